"""The table of `summary()`, and the network in one line, as plain text.

Only the layers are read; the caller binds the parameters first.
"""


def summary(network, out_activation):
    """One line per layer with name, units, activation and number of parameters, then the total.

    With several members, a line describes one member, and the total counts all members.

    Parameters
    ----------
    network : Network
        Must be bound to its parameters.
    out_activation : str
        The name of the output activation.
    """
    layers = network.dense_layers
    table = [("layer", "units", "activation", "parameters")]
    table.append(("input", f"{network.units[0]:,}", "", "0"))
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


def architecture(network, out_activation):
    """The units and activations of all layers, the members and the parameters, in one line.

    Parameters
    ----------
    network : Network
        Must be bound to its parameters.
    out_activation : str
        The name of the output activation.
    """
    *hidden, last = network.dense_layers
    layers = [f"{layer.fan_out:,} {layer.activation.label}" for layer in hidden]
    arrows = " → ".join([f"{network.units[0]:,}", *layers, f"{last.fan_out:,} {out_activation}"])
    several = f", {network.n_members} members" if network.n_members > 1 else ""
    return f"{arrows}{several}, {network.n_parameters:,} parameters"
