"""The page of public names as the list of the reference: a page for each name, and links to it.

reference/api.md lists the public names in tables, one section a module. For each of them,
autosummary writes a page; and wherever a page has such a name as code, it becomes a link.
"""

import re
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.transforms import SphinxTransform


def public_names(page):
    """The full name of every class and function in the tables of the page, by its short name."""
    names = {}
    for section in page.read_text(encoding="utf-8").split("\n## ")[1:]:
        module = section.partition("\n")[0].strip("`")
        for row in re.findall(r"^\| (.*) \|$", section, re.MULTILINE):
            for cell in row.split("|")[:2]:
                (name,) = re.findall(r"`(\w+)`", cell)[:1] or [""]
                # In sections of parts, the first column has the names that parameters take.
                if name and (module.count(".") == 0 or not is_alias(module, name)):
                    names[name] = f"{module}.{name}"
    return names


def is_alias(module, name):
    """Whether a module has no such attribute: "mish" is the name of the class Mish."""
    imported = __import__(module, fromlist=[name])
    return not callable(getattr(imported, name, None))


def write_list(app):
    """Write what autosummary reads: the names, whose pages go to the same folder."""
    names = public_names(Path(app.srcdir) / "reference" / "api.md")
    app.config.public_names = names
    folder = Path(app.srcdir) / "reference" / "generated"
    folder.mkdir(exist_ok=True)
    lines = [".. autosummary::", "   :toctree: .", "", *(f"   {full}" for full in names.values())]
    text = "\n".join(lines) + "\n"
    target = folder / "names.rst"
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        target.write_text(text, encoding="utf-8")


class LinkNames(SphinxTransform):
    """Public names written as code become links to their pages."""

    default_priority = 400

    def apply(self, **kwargs):
        """Wrap each such literal in a reference, which Sphinx resolves at the end."""
        names = self.config.public_names
        for literal in list(self.document.findall(nodes.literal)):
            name = literal.astext().removesuffix("()").rpartition(".")[2]
            inside = (nodes.reference, nodes.title, pending_xref)
            if name not in names or isinstance(literal.parent, inside):
                continue
            link = pending_xref(
                "",
                refdomain="py",
                reftype="obj",
                reftarget=names[name],
                refexplicit=True,
                refwarn=False,
                refdoc=self.env.docname,
            )
            literal.replace_self(link)
            link += literal


def setup(app):
    """Register both."""
    app.add_config_value("public_names", {}, "env")
    app.connect("builder-inited", write_list, priority=400)
    app.add_transform(LinkNames)
    return {"parallel_read_safe": True}
