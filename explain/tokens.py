"""Tokens of a vision transformer: which operations give them, and which of them lie on a grid of places."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from explain.graph import source_of

Tensor = Any
Operation = Any

_LAYING_OUT = {"Reshape", "ExpandDims"}
_ROWS = {"Reshape", "MatMul", "BiasAdd", "Add", "AddV2"}  # what a dense layer does to all tokens as rows of one matrix


class Grid(NamedTuple):
    """Tokens of which some are the places of a map, row by row; a class token and registers lie beside them.

    Attributes:
        height: of the map.
        width: of the map.
        first: how many tokens lie before its first place.
        total: how many tokens there are.
    """

    height: int
    width: int
    first: int
    total: int

    def map(self, tokens: Tensor) -> Tensor:
        """The places of a tensor n x tokens x channels: n x height x width x channels."""
        import tensorflow as tf

        places = tokens[:, self.first : self.first + self.height * self.width]
        return tf.reshape(places, (-1, self.height, self.width, tokens.shape[-1]))

    def put(self, tokens: Tensor, values: Tensor) -> Tensor:
        """The tokens with other places, of a map n x height x width x channels."""
        import tensorflow as tf

        places = tf.reshape(tf.cast(values, tokens.dtype), (-1, self.height * self.width, tokens.shape[-1]))
        return tf.concat([tokens[:, : self.first], places, tokens[:, self.first + self.height * self.width :]], 1)


def token_operations(reached: dict[Operation, list[Operation]]) -> set[Operation]:
    """Operations that give tokens (batch x tokens x ...), whose axes are not height and width of the picture.

    Tokens begin where a map is flattened to rows, and end where the rows become a map again: tokens = height x width.
    """
    tokens: set[Operation] = set()
    for operation, sources in reached.items():
        shape = _shape(operation)
        if shape.rank == 3:
            is_tokens = any(source in tokens or (_shape(source).rank or 0) > 3 for source in sources)
        elif shape.rank == 4:
            laid_out = operation.type in _LAYING_OUT and _is_laid_out(_shape(sources[0]), shape)
            on_grid = any(_shape(source).rank == 4 and source not in tokens for source in sources)
            is_tokens = any(source in tokens for source in sources) and not on_grid and not laid_out
        else:
            is_tokens = any(source in tokens for source in sources)
        if is_tokens:
            tokens.add(operation)
    return tokens


def _is_laid_out(rows: Any, grid: Any) -> bool:
    """Whether rows (batch x a x b) of a map lie in a grid (batch x height x width x channels) place by place."""
    if rows.rank != 3 or None in rows[1:] or None in grid[1:]:
        return False
    height, width, channels = grid[1:]
    return [height * width, channels] == rows[1:].as_list() or [height, width] == rows[1:].as_list()


def _shape(operation: Operation) -> Any:
    import tensorflow as tf

    return operation.outputs[0].shape if operation.outputs else tf.TensorShape(None)


def grids(reached: Mapping[Operation, list[Operation]], tokens: set[Operation]) -> dict[Operation, Grid]:
    """Operations that give tokens (batch x tokens x channels) of a grid, told by how the tokens come about.

    A grid begins where a map is flattened row by row, or where patches of the picture are. What does not depend on the
    picture and is joined to it, before or behind, is a class token or a register. Operations that keep the number of
    tokens keep the grid; where the tokens change places, it is lost, until a residual sum brings it back.

    Args:
        reached: see `graph.reachable`.
        tokens: see `token_operations`.

    Returns:
        A grid by operation.
    """
    held: dict[Operation, Grid] = {}
    for operation, sources in reached.items():
        shape = _shape(operation)
        if shape.rank in (2, 3) and (grid := _grid(operation, sources, shape, held, tokens)) is not None:
            held[operation] = grid
    return {operation: grid for operation, grid in held.items() if _shape(operation)[1:-1] == [grid.total]}


def _grid(
    operation: Operation, sources: list[Operation], shape: Any, held: Mapping[Operation, Grid], tokens: set[Operation]
) -> Grid | None:
    """The grid of one operation, from those of its sources."""
    import tensorflow as tf

    before = {held[source] for source in sources if source in held}
    if operation.type in _LAYING_OUT and not before:
        return _flattened(sources[0], shape, tokens)
    if len(before) != 1:
        return None
    [grid] = before
    if shape.rank == 2:
        rows = operation.type != "Reshape" or shape[1] in (None, _shape(sources[0])[-1])
        return grid if operation.type in _ROWS and rows else None
    if operation.type == "ConcatV2":
        axis = tf.get_static_value(operation.inputs[-1])
        return _joined(operation, held, grid) if axis in (1, -2) else _kept(grid, shape)
    if operation.type == "StridedSlice":
        return _sliced(operation, grid, shape)
    if operation.type == "Transpose":
        order = tf.get_static_value(operation.inputs[1])
        return _kept(grid, shape) if order is None or list(order) == [0, 1, 2] else None
    return _kept(grid, shape)


def _kept(grid: Grid, shape: Any) -> Grid | None:
    """The same grid, unless the number of tokens is another; where it is not known, a later operation tells."""
    return grid if shape[1] in (None, grid.total) else None


def _flattened(source: Operation, shape: Any, tokens: set[Operation]) -> Grid | None:
    """The grid of rows that a map was flattened to, or a picture's patches."""
    import tensorflow as tf

    whole = _shape(source)
    if shape.rank != 3 or whole.rank not in (4, 6) or None in whole[1:]:
        return None
    height, width = whole[1:3]
    if whole.rank == 6:
        order = tf.get_static_value(source.inputs[1]) if source.type == "Transpose" else None
        by_places = order is not None and list(order) == [0, 1, 3, 2, 4, 5]
    else:
        by_places = source not in tokens
    fits = shape[1] in (None, height * width) and shape[2] == whole[3:].num_elements()
    return Grid(height, width, 0, height * width) if by_places and fits else None


def _joined(operation: Operation, held: Mapping[Operation, Grid], grid: Grid) -> Grid | None:
    """The grid with other tokens beside it."""
    parts = operation.inputs[:-1]
    places = [place for place, part in enumerate(parts) if source_of(part).op in held]
    sizes = [grid.total if place in places else part.shape[1] for place, part in enumerate(parts)]
    if len(places) != 1 or None in sizes:
        return None
    return grid._replace(first=grid.first + sum(sizes[: places[0]]), total=sum(sizes))


def _sliced(operation: Operation, grid: Grid, shape: Any) -> Grid | None:
    """The grid of some of the tokens, if it is among them."""
    import tensorflow as tf

    begin, strides = (tf.get_static_value(operation.inputs[place]) for place in (1, 3))
    masks = {name: operation.get_attr(name) for name in ("begin_mask", "ellipsis_mask", "new_axis_mask")}
    plain = not masks["ellipsis_mask"] and not masks["new_axis_mask"] and begin is not None and strides is not None
    if not plain or len(begin) < 2 or strides[1] != 1 or shape[1] is None:
        return grid if shape[1] == grid.total else None
    start = 0 if masks["begin_mask"] & 2 else int(begin[1]) % grid.total
    first = grid.first - start
    inside = first >= 0 and first + grid.height * grid.width <= shape[1]
    return grid._replace(first=first, total=shape[1]) if inside else None
