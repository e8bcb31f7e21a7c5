"""How Sphinx builds the pages: ``make docs``. Nothing is loaded from elsewhere, neither now nor by the built pages."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # directives.py stands beside this file

project = "murinoma"
author = "The murinoma developers"
project_copyright = author
release = version = version_of("murinoma")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "directives"]
exclude_patterns = ["_build"]
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(?!murinoma\.).*"),  # types of Python and numpy are not explained here, and no other site is asked
    (r"py:.*", r"murinoma\..*\._\w+"),  # nor what a module keeps to itself
    (r"py:class", r"murinoma\.files\.versioned\.Value"),  # a type variable has no page
    (r"py:class", r"murinoma\.models\..*"),  # the room of models has no page
]

myst_heading_anchors = 3
highlight_language = "none"

napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = False

html_theme = "pydata_sphinx_theme"
html_title = "murinoma"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_last_updated_fmt = None
html_theme_options = {
    "logo": {"text": "murinoma"},
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    "show_prev_next": True,
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "tutorial": [], "evidence": ["sidebar-nav-bs"]}
