"""A JSON object from a file, or one line that says why there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.json_text import read_json


def read_json_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        UnreadableFile: The file is missing or not a JSON object.
        NotReadable: It may not be read.
    """
    try:
        content = read_json(path)
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path}: cannot be read: {error}.") from error
    except json.JSONDecodeError as error:
        raise UnreadableFile(
            f"{path}:{error.lineno}: expected a JSON object, found an error at column {error.colno}: "
            f"{error.msg}."
        ) from error
    except ValueError as error:
        raise UnreadableFile(f"{path}: expected a JSON object, found what is not: {error}.") from error
    if not isinstance(content, dict):
        raise UnreadableFile(f"{path}: expected a JSON object, found a {type(content).__name__}.")
    return content
