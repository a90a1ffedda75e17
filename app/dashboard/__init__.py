"""The dashboard: a study in the browser, on this machine alone, read-only and live."""
