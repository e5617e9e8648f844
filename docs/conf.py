"""Settings of the site: ``python -m sphinx -W docs build/docs``, which needs no network."""

import os
import sys
import warnings
from pathlib import Path

from sphinx_gallery.sorting import ExplicitOrder

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))
# Blocks and scripts draw into files; no window is opened.
os.environ.setdefault("MPLBACKEND", "agg")

from sknumpy_mlp import __version__  # noqa: E402

project = "sknumpy_mlp"
author = "The sknumpy_mlp developers"
copyright = f"{author}. Licence: BSD-3-Clause"
version = release = __version__

extensions = [
    "myst_parser",
    "numpydoc",
    "public_names",
    "root_pages",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinx_llms_txt",
    "sphinxcontrib.katex",
]
# Inputs of autosummary and of the gallery, which are no pages themselves.
exclude_patterns = ["_*", "reference/generated/names.rst", "**/GALLERY_HEADER.rst"]
templates_path = ["_templates"]

# ---- pages in Markdown ----
myst_enable_extensions = ["colon_fence", "dollarmath", "deflist", "attrs_block"]
myst_fence_as_directive = ["math"]
# So many levels of headings can be linked to, by the anchors that GitHub gives them.
myst_heading_anchors = 4
# "(0, 1)" in the first cell of a list is no enumeration; quotes stay as they are in code.
smartquotes = False

# ---- the reference ----
autodoc_typehints = "none"
autodoc_default_options = {"member-order": "groupwise"}
autosummary_generate = ["reference/generated/names.rst"]
autosummary_imported_members = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
# Inventories of the names that docstrings refer to: inventories/make.py writes them.
intersphinx_mapping = {
    name: (address, str(HERE / "inventories" / f"{name}.inv"))
    for name, address in {
        "numpy": "https://numpy.org/doc/stable/",
        "python": "https://docs.python.org/3/",
        "sklearn": "https://scikit-learn.org/stable/",
    }.items()
}

# ---- the gallery ----
SECTIONS = ("digits", "training", "tables", "probabilities", "extending")
scripts = HERE.parent / "examples" / "gallery"
sphinx_gallery_conf = {
    "examples_dirs": "../examples/gallery",
    "gallery_dirs": "gallery",
    "subsection_order": ExplicitOrder(
        [f"../examples/gallery/{name}" for name in SECTIONS if (scripts / name).is_dir()]
    ),
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "write_computation_times": False,
    "show_signature": False,
    "download_all_examples": False,
    "doc_module": ("sknumpy_mlp",),
    "backreferences_dir": "gallery/backreferences",
    "reference_url": {"sknumpy_mlp": None},
    "image_srcset": ["2x"],
    "matplotlib_animations": False,
    "remove_config_comments": True,
}
# A warning of a script is an error, as it is in the tests.
warnings.filterwarnings("error", module="sknumpy_mlp")

# ---- formulas: KaTeX's script comes with the extension, its style and fonts with these pages ----
katex_css_path = "katex/katex.min.css"
katex_options = "throwOnError: false, strict: 'ignore'"

# ---- the look ----
html_theme = "pydata_sphinx_theme"
html_title = "sknumpy_mlp"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {
        "text": "sknumpy_mlp",
        "image_light": "_static/favicon.svg",
        "image_dark": "_static/favicon.svg",
        "alt_text": "",
    },
    "header_links_before_dropdown": 7,
    "navbar_end": ["theme-switcher"],
    "show_nav_level": 1,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "use_edit_page_button": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "footer_start": ["copyright"],
    "footer_end": [],
    "back_to_top_button": False,
}
html_sidebars = {"index": [], "get-started": []}
html_show_sourcelink = False
# Copied code has no prompts and no output.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
llms_txt_summary = (
    "Neural networks with the scikit-learn API, written in NumPy: a drop-in replacement for "
    "MLPClassifier and MLPRegressor."
)
