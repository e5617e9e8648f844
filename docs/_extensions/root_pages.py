"""Files at the root of the repository as pages, whose links lead to other pages."""

import re

# Where the file is shown, seen from the folder of the page that includes it.
PAGES = {
    "CHANGELOG.md": "/reference/changelog.md",
    "CITATION.cff": "/project/citation.md",
    "CODE_OF_CONDUCT.md": "/project/code-of-conduct.md",
    "CONTRIBUTING.md": "/project/contributing.md",
    "SECURITY.md": "/project/security.md",
}


def redirect(app, relative_path, parent_docname, content):
    """Rewrite the targets of links in an included file."""

    def target(match):
        path = match.group(1)
        return f"]({PAGES.get(path) or '/' + path.removeprefix('docs/')}"

    content[0] = re.sub(r"\]\(((?:docs/)[^)#]+|[A-Z_]+\.(?:md|cff))", target, content[0])


def setup(app):
    """Listen to inclusions."""
    app.connect("include-read", redirect)
    return {"parallel_read_safe": True}
