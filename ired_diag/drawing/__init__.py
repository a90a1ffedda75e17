"""Pictures: arrays, labels, N and method once; drawn by plotly for the screen, by matplotlib for paper."""
