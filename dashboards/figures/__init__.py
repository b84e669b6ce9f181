"""Charts, as pure functions from frames to Plotly figures.

Colours of text and lines of the grid are not set here but in `assets/page.css`, from the page's own
variables: so a chart follows the light and dark scheme without being drawn again.
"""
