"""The photographs in a folder, wherever a folder is named."""

from pathlib import Path

from bench.images import list_images


def photographs_in(folder: Path) -> list[Path]:
    """Every picture file below `folder`, sorted by path; what is hidden, or in a hidden folder, is left out.

    Raises BenchError without such a folder.
    """
    return [path for path in list_images(folder) if not in_hidden(path, folder)]


def in_hidden(path: Path, folder: Path) -> bool:
    """Whether `path`, which is below `folder`, is hidden there or in a hidden folder, as thumbnails often are."""
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
