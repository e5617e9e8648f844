"""A network as a table for people, in plain text.

It reads the layers only; who owns the parameters binds them first.
"""


def summary(network, out_activation):
    """One line a layer: name, units, activation, number of parameters; then the total.

    Of several members, a line is that of one, the total that of all.

    Parameters
    ----------
    network : Network
        Bound to its parameters.
    out_activation : str
        The link that follows the last layer.
    """
    layers = network.dense_layers
    table = [("layer", "units", "activation", "parameters")]
    table.append(("input", f"{layers[0].fan_in:,}", "", "0"))
    for kind, arrays in network.parameters().items():
        if kind not in ("weights", "biases"):
            size = sum(array.size for array in arrays) // network.n_members
            table.append((kind.replace("_", " "), "", "", f"{size:,}"))
    for number, layer in enumerate(layers, 1):
        is_last = number == len(layers)
        table.append(
            (
                "output" if is_last else f"hidden {number}",
                f"{layer.fan_out:,}",
                out_activation if is_last else layer.activation.label,
                f"{(layer.W.size + layer.b.size) // network.n_members:,}",
            )
        )
    several = f", {network.n_members} members" if network.n_members > 1 else ""
    table.append((f"total{several}", "", "", f"{network.n_parameters:,}"))
    widths = [max(map(len, column)) for column in zip(*table)]
    sides = "<><>"
    lines = [
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths))
        for row in table
    ]
    rule = "-" * len(lines[0])
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])
