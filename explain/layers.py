"""Which layers of a model get a map: by address, by kind, or where the blocks end.

Everything here looks at one traced call of the model: what its layers returned (`Call`) and the graph of operations
in which that happened. Names mean nothing, structure decides; so it works for models of any origin.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, NamedTuple

from explain.errors import ModelError
from explain.explanation import Layer
from explain.graph import reachable, source_of
from explain.tokens import Grid, grids, token_operations

Tensor = Any
Operation = Any

KEYWORDS = ("blocks", "convolutions", "all", "last")
MOST_BLOCKS = 20

# TensorFlow's operations, as far as the choice of blocks has to tell them apart.
_DEPTHWISE = {"DepthwiseConv2dNative", "PartitionedCall", "StatefulPartitionedCall"}  # Keras compiles grouped ones
_MIXING = {"Conv2D", "Conv2DBackpropInput", "Conv3D", "MatMul", "BatchMatMulV2", "Einsum"}
_NONLINEAR = {
    *("Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Sigmoid", "Tanh", "Softplus", "Softsign", "Erf", "Erfc"),
    *("Maximum", "Minimum", "ClipByValue"),
}
_JOINING = {"Add", "AddV2", "AddN", "Sub", "ConcatV2", "Concat", "Maximum", "Minimum"}
_PADDING = {"Pad", "PadV2", "MirrorPad"}


class Call(NamedTuple):
    """One call of one layer.

    Attributes:
        address: path of the calls it happened in.
        layer: the layer.
        output: what it returned: a tensor, or any structure of tensors.
    """

    address: str
    layer: Any
    output: Any


def choose(
    wanted: str | Sequence[str], calls: Sequence[Call], start: Tensor, end: Tensor, left_out: Collection[str] = ()
) -> list[tuple[Layer, Tensor]]:
    """The wanted layers and their outputs, in order of execution.

    Args:
        wanted: "blocks", "convolutions", "all", "last", an address or several.
        calls: all calls of the model's layers, in order of execution.
        start: the model's input.
        end: the logits.
        left_out: addresses of layers that turned out not to give one map per picture.

    Returns:
        Each layer's description and its output.

    Raises:
        ModelError: for a model without maps, or without layers of the kind, and for "last" where several branches have
            a last layer each.
        ValueError: for an unknown address (the nearest are named), and for a layer without a map.
    """
    if not wanted:
        raise ValueError("No layer is asked for.")
    reached = reachable(start)
    tokens = token_operations(reached)
    on_grid = grids(reached, tokens)
    lacking = {call.address: _why_no_map(call.output, start, reached, tokens, on_grid) for call in calls}
    lacking |= dict.fromkeys(left_out, "its output is not one map per picture")
    mapped = [call for call in calls if lacking[call.address] is None]
    if not mapped:
        raise ModelError(
            "no-map",
            "The model has no layer whose output is one map per channel (batch x height x width x channels): "
            "tokens are none unless they tell which place each is of, and what happens inside its own loops and "
            "tf.functions cannot be reached.",
        )
    outputs = distinct(mapped)
    maps = [call for call in outputs if call.output.shape.rank == 4]
    flow = _flow(reached, end)
    if wanted in ("blocks", "last") and _ends_in_tokens(flow, on_grid, tokens, end):
        chosen = _token_blocks(outputs, flow, on_grid)
        chosen = chosen if wanted == "blocks" else chosen[-1:]
    elif wanted == "blocks":
        chosen = blocks(maps or outputs, start, end)
    elif wanted == "last":
        maps = maps or outputs
        ends = branch_ends(maps, flow, tokens, end)
        if len(ends) > 1:
            raise ModelError(
                "branches",
                "The model has {count} last layers, one a branch: name those wanted of {addresses}.",
                count=len(ends),
                addresses=", ".join(call.address for call in ends),
            )
        chosen = blocks(maps, start, end)[-1:]
    elif wanted == "convolutions":
        chosen = [call for call in outputs if _is_convolution(call.layer)]
    elif wanted == "all":
        chosen = outputs
    else:
        chosen = _addressed([wanted] if isinstance(wanted, str) else wanted, mapped, lacking)
    if not chosen:
        raise ModelError("kind", "The model has no layers of the kind {kind!r}.", kind=wanted)
    return _placed(chosen, calls, on_grid)


def _why_no_map(
    output: Any,
    start: Tensor,
    reached: Collection[Operation],
    tokens: set[Operation],
    on_grid: Mapping[Operation, Grid],
) -> str | None:
    """Why a layer's output is not one map per picture and channel, batch x height x width x channels; None if it is.

    Tokens on a grid are one.
    """
    shape = getattr(output, "shape", None)
    if shape is None:
        return f"its output is a {type(output).__name__}"
    described = f"{output.dtype.name} ({', '.join(['n', *map(str, shape[1:])])})" if shape.rank else output.dtype.name
    if getattr(output, "graph", None) is not start.graph:
        return "its output is made inside a loop or tf.function of its own"
    is_grid = shape.rank == 3 and source_of(output).op in on_grid
    if not output.dtype.is_floating or not (shape.rank == 4 or is_grid) or None in shape[1:]:
        return f"its output is {described}"
    if source_of(output).op not in reached:
        return "its output does not depend on the picture"
    if source_of(output).op in tokens and not is_grid:
        return f"its output is {described}: tokens, not places of the picture"
    if shape[0] != start.shape[0]:
        return "its output is not one map per picture"
    return None


def _in_order(chosen: Iterable[Call], calls: Sequence[Call]) -> list[Call]:
    """Chosen calls, each once, in order of execution."""
    addresses = {call.address for call in chosen}
    return [call for call in calls if call.address in addresses]


def _placed(
    chosen: Iterable[Call], calls: Sequence[Call], on_grid: Mapping[Operation, Grid]
) -> list[tuple[Layer, Tensor]]:
    """Chosen calls in order of execution; depth is the place among all calls, from 0 (first chosen) to 1 (last)."""
    ordered = _in_order(chosen, calls)
    place = {call.address: index for index, call in enumerate(calls)}
    last = place[ordered[-1].address]
    span = max(last - place[ordered[0].address], 1)

    def layer(call: Call) -> Layer:
        depth = 1.0 - (last - place[call.address]) / span  # a single layer is the last
        grid = on_grid.get(source_of(call.output).op) if call.output.shape.rank == 3 else None
        if grid is None:
            return Layer(call.address, depth, tuple(call.output.shape[1:]))
        return Layer(call.address, depth, (grid.height, grid.width, call.output.shape[2]), grid)

    return [(layer(call), call.output) for call in ordered]


def _addressed(addresses: Sequence[str], mapped: Sequence[Call], lacking: Mapping[str, str | None]) -> list[Call]:
    by_address = {call.address: call for call in mapped}
    for address in addresses:
        if address in by_address:
            continue
        if address in lacking:
            raise ValueError(f"The layer {address!r} has no map: {lacking[address]}.")
        known = nearest(address, [*by_address, *KEYWORDS])
        raise ValueError(f"There is no layer {address!r}. Nearest: {', '.join(known)}.")
    return [by_address[address] for address in addresses]


def nearest(address: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The known addresses most like one that is not known: first those with the same last part.

    Args:
        address: the one that is not known.
        known: those that are.
        count: how many to name at most.

    Returns:
        The nearest, best first.

    Example:
        >>> nearest("conv1", ["backbone/conv1", "conv2", "head"], 2)
        ['backbone/conv1', 'conv2']
    """
    known = list(known)
    same = [name for name in known if name.split("/")[-1] == str(address).split("/")[-1]]
    alike = get_close_matches(str(address), known, count, cutoff=0.0)
    return list(dict.fromkeys([*same, *alike]))[:count]


def distinct(calls: Sequence[Call]) -> list[Call]:
    """One call per tensor, the innermost; and none whose map is a single place (a gate's, say), if there are others."""
    first: dict[Any, Call] = {}
    for call in calls:
        source = source_of(call.output)
        first.setdefault((source.op.name, source.value_index), call)
    calls = list(first.values())
    return [call for call in calls if call.output.shape.rank == 3 or call.output.shape[1:3].num_elements() > 1] or calls


def _is_convolution(layer: Any) -> bool:
    from keras import layers

    return isinstance(layer, (layers.Conv2D, layers.Conv2DTranspose, layers.DepthwiseConv2D, layers.SeparableConv2D))


# --- Tokens ---------------------------------------------------------------------------------------------------------


class Attention(NamedTuple):
    """Where tokens look at tokens of a grid.

    Attributes:
        weights: n x heads x queries x tokens, the shares of a softmax.
        looked_at: the operation that gives the tokens, which queries, keys and values all come from.
        grid: of the tokens.
    """

    weights: Tensor
    looked_at: Operation
    grid: Grid


def attentions(start: Tensor, end: Tensor) -> list[Attention]:
    """All attention over tokens of a grid on the way from picture to logits, in order of execution.

    Args:
        start: the model's input.
        end: the logits.

    Returns:
        None for a model without such tokens, or whose attention is no softmax over them.
    """
    reached = reachable(start)
    return _attentions(_flow(reached, end), grids(reached, token_operations(reached)))


def _attentions(flow: Mapping[Operation, list[Operation]], on_grid: Mapping[Operation, Grid]) -> list[Attention]:
    attended = []
    softmaxes = [operation for operation in flow if operation.type == "Softmax" and on_grid]
    for operation in softmaxes:
        weights = operation.outputs[0]
        mixing = _meeting(operation, flow)
        if weights.shape.rank != 4 or mixing is None:
            continue
        before = _before(mixing, flow) | {mixing}
        spine = _spine({known: sources for known, sources in flow.items() if known in before}, ())
        passed = [step.operations[-1] for step in spine[:-1] if step.operations[-1] in on_grid]
        if passed and on_grid[passed[-1]].total == weights.shape[3]:
            attended.append(Attention(weights, passed[-1], on_grid[passed[-1]]))
    return attended


def _meeting(operation: Operation, flow: Mapping[Operation, list[Operation]]) -> Operation | None:
    """Where what an operation gives first meets something else."""
    behind = {operation}
    for following, sources in flow.items():
        if not behind.isdisjoint(sources):
            behind.add(following)
            if len(sources) > 1:
                return following
    return None


def _ends_in_tokens(
    flow: Mapping[Operation, list[Operation]], on_grid: Mapping[Operation, Grid], tokens: set[Operation], end: Tensor
) -> bool:
    """Whether the logits are read from tokens of a grid, on every way, and not from a map behind them."""
    waiting, seen, of_tokens = [source_of(end).op], set(), False
    while waiting:
        operation = waiting.pop()
        if operation in seen:
            continue
        seen.add(operation)
        if operation in on_grid:
            of_tokens = True
        elif _area(operation) not in (None, 1) and operation not in tokens:
            return False
        else:
            waiting += flow[operation]
    return of_tokens


def _token_blocks(
    calls: Sequence[Call],
    flow: dict[Operation, list[Operation]],
    on_grid: Mapping[Operation, Grid],
) -> list[Call]:
    """Ends of convolutional blocks before the tokens, what each attention looks at, and the last tokens.

    The last tokens are left out where only those beside the grid, a class token, go on to the logits: no gradient
    reaches the grid there. What an attention looks at reaches the score through it.
    """
    maps = [call for call in calls if call.output.shape.rank == 4]
    by_operation = {source_of(call.output).op: call for call in calls}
    looked_at = [attention.looked_at for attention in _attentions(flow, on_grid)]
    last = [operation for operation in flow if operation in on_grid][-1:]
    ends = [operation for operation in last if not _left_behind(operation, flow, on_grid)]
    chosen = [by_operation[operation] for operation in [*looked_at, *ends] if operation in by_operation]
    return _thinned(_in_order([*_block_ends(flow, maps), *chosen], calls)) or [calls[-1]]


def _left_behind(
    operation: Operation, flow: Mapping[Operation, list[Operation]], on_grid: Mapping[Operation, Grid]
) -> bool:
    """Whether all that goes on from tokens of a grid are others."""
    following = [known for known, sources in flow.items() if operation in sources]
    return all(known.type in ("StridedSlice", "GatherV2", "Split", "SplitV", "Unpack") for known in following)


# --- Blocks ---------------------------------------------------------------------------------------------------------


class Step(NamedTuple):
    """A piece of the model's spine, from one operation that everything passes through to the next such operation.

    kind: "merge" (parallel ways with weights, joined by adding or concatenating), "nonlinear" (an activation, or a
    gate: ways joined by multiplying), "mixing" or "depthwise" (a layer with weights), "plain" (all the rest).
    call: the layer that returned the piece's end, if one did. area: places of that end, if it is a map.
    operations: all of the piece, in order of execution.
    """

    kind: str
    call: Call | None
    area: int | None
    operations: Sequence[Operation]


def blocks(calls: Sequence[Call], start: Tensor, end: Tensor) -> list[Call]:
    """The stem, where each block ends, and the last activation; thinned to 20.

    On the spine, the operations that every way from input to logits passes through, a block ends

    - at a merge (residual sum, concatenation; a gate such as squeeze-and-excitation multiplies and is none), or the
      activation directly behind it;
    - at a linear bottleneck: mixing weights and no activation before the next weights (inverted residuals whose
      shapes allow no shortcut);
    - before pooling, and in a model without any block before each convolution with strides.

    Between two ends lies at least one activation. The stem (the first activation, or what the first merge starts
    from) is only told apart in a model with blocks. Where most of the model, over several resolutions, lies between two
    operations of the spine, merges and ends of resolutions inside are taken, too; and where branches end apart from
    each other, the end of each.
    """
    reached = reachable(start)
    flow = _flow(reached, end)
    branches = branch_ends(calls, flow, token_operations(reached), end)
    branches = branches if len(branches) > 1 else []
    return _thinned(_in_order([*_block_ends(flow, calls), *branches], calls)) or [calls[-1]]


def _block_ends(flow: dict[Operation, list[Operation]], calls: Sequence[Call]) -> list[Call]:
    steps = _spine(flow, calls)
    return [*_inside_large(steps, calls), *_ends(steps)]


def _thinned(calls: list[Call], most: int = MOST_BLOCKS) -> list[Call]:
    """At most so many, evenly, with the first and the last."""
    if len(calls) <= most:
        return calls
    return [calls[round(index * (len(calls) - 1) / (most - 1))] for index in range(most)]


def branch_ends(
    calls: Sequence[Call], flow: Mapping[Operation, list[Operation]], tokens: set[Operation], end: Tensor
) -> list[Call]:
    """The last map of every branch: of maps that go on to the logits without another map, those behind no other's.

    A model whose ways all come together before its last map has one such end, a model that joins the features of two
    networks has two.
    """
    order = {source_of(call.output).op: place for place, call in enumerate(calls)}
    maps, waiting, seen = [], [source_of(end).op], set()
    while waiting:
        operation = waiting.pop()
        if operation in seen:
            continue
        seen.add(operation)
        if _area(operation) not in (None, 1) and operation not in tokens:
            maps.append(operation)
        else:
            waiting += flow[operation]
    behind = {operation: _before(operation, flow) for operation in maps}
    last = [operation for operation in maps if not any(operation in behind[other] for other in maps)]
    places = set()
    for operation in last:
        while _is_pooling(operation, flow):
            [operation] = flow[operation]
        returned = [order[source] for source in (operation, *_before(operation, flow)) if source in order]
        places.update(sorted(returned)[-1:])
    return [calls[place] for place in sorted(places)]


def _before(operation: Operation, flow: Mapping[Operation, list[Operation]]) -> set[Operation]:
    """All operations that an operation takes values from, over any way."""
    before: set[Operation] = set()
    waiting = list(flow[operation])
    while waiting:
        source = waiting.pop()
        if source not in before:
            before.add(source)
            waiting += flow[source]
    return before


def _is_pooling(operation: Operation, flow: Mapping[Operation, list[Operation]]) -> bool:
    """Whether an operation without weights changes the map's size."""
    resized = len(flow[operation]) == 1 and _area(flow[operation][0]) not in (None, _area(operation))
    return resized and operation.type not in _MIXING | _DEPTHWISE


def _flow(reached: Mapping[Operation, list[Operation]], end: Tensor) -> dict[Operation, list[Operation]]:
    """Of the operations that follow from the start, those that the end needs, each with those it takes values from."""
    needed = {source_of(end).op}
    for operation in reversed(reached):
        if operation in needed:
            needed.update(reached[operation])
    return {operation: sources for operation, sources in reached.items() if operation in needed}


def _spine(flow: dict[Operation, list[Operation]], calls: Sequence[Call]) -> list[Step]:
    """Cut the flow wherever a single tensor is left for all that follows."""
    last_use = {source: place for place, sources in enumerate(flow.values()) for source in sources}
    returned: dict[Operation, Call] = {}
    for call in calls:
        returned.setdefault(source_of(call.output).op, call)
    steps, piece, waiting = [], [], 0
    for place, operation in enumerate(flow):
        piece.append(operation)
        if waiting <= place:  # no older tensor is used later
            steps.append(_step(piece, returned.get(operation)))
            piece = []
        waiting = max(waiting, last_use.get(operation, place))
    return steps


def _step(operations: Sequence[Operation], call: Call | None) -> Step:
    types = {operation.type for operation in operations}
    weighted = types & (_MIXING | _DEPTHWISE)
    if weighted and len(operations) > 1:
        kind = "merge" if operations[-1].type in _JOINING else "nonlinear"
    elif weighted:
        kind = "mixing" if weighted & _MIXING else "depthwise"
    else:
        kind = "nonlinear" if types & _NONLINEAR else "plain"
    return Step(kind, call, _area(operations[-1]), operations)


def _area(operation: Operation) -> int | None:
    shape = operation.outputs[0].shape
    return shape[1:3].num_elements() if shape.rank == 4 else None


def _ends(steps: Sequence[Step]) -> list[Call]:
    """Stem, ends of blocks and last activation along the spine."""
    stem: Call | None = None
    latest: Call | None = None
    area: int | None = None
    merges: list[Call | None] = []
    pooled: list[Call | None] = []
    strided: list[Call | None] = []
    active = False  # an activation since the last end
    linear = False  # no activation since the last mixing weights
    merged = False  # nothing since the last merge
    while steps and steps[-1].area is None:  # the dense head
        steps = steps[:-1]
    for step in steps:
        weighted = step.kind in ("merge", "mixing", "depthwise")
        before, area = area, step.area or area
        smaller = before is not None and area is not None and area < before
        resized = area != before and not weighted
        if weighted and linear and active:
            merges.append(latest)
            active = False
        if step.kind == "merge":
            stem = stem or latest
            merges.append(step.call)
            active = False
        elif step.kind == "nonlinear" and merged:
            merges[-1] = step.call or merges[-1]
        elif step.kind == "nonlinear":
            stem = stem or step.call
            active = True
        elif smaller and active and not weighted:
            pooled.append(latest)
            active = False
        elif smaller and active:
            strided.append(latest)
        linear = step.kind == "mixing" or (linear and step.kind == "plain")
        merged = step.kind == "merge" or (merged and step.kind == "nonlinear")
        if step.call is not None and not resized:
            latest = step.call
    last = [latest] if active else []
    ends = [stem, *merges, *pooled, *last] if any(merges) else [*pooled, *strided, *last]
    return [call for call in ends if call is not None]


def _inside_large(steps: Sequence[Step], calls: Sequence[Call]) -> list[Call]:
    """Merges and ends of resolutions inside a piece with most of the model's weights and several resolutions."""

    def weights(step: Step) -> int:
        return sum(operation.type in _MIXING | _DEPTHWISE for operation in step.operations)

    largest = max(steps, key=weights)
    inside = set(largest.operations)
    within = [call for call in calls if (source := source_of(call.output).op) in inside and source.type not in _PADDING]
    areas = [_area(call.output.op) or 0 for call in within]
    of_maps = sum(weights(step) for step in steps if step.area is not None)
    if 2 * weights(largest) <= of_maps or len(set(areas)) < 3:
        return []
    joined = [call for call in within if _joins(source_of(call.output).op, inside)]
    # ends of resolutions on the way down; on the way up again a merge follows, so only the turn is missing
    deepest = min(areas) if areas[-1] > min(areas) else None
    turns = zip(within, pairwise(areas), strict=False)
    ends = [call for call, (area, following) in turns if following < area or deepest == area < following]
    return joined + ends + within[-1:]


def _joins(operation: Operation, inside: set[Operation]) -> bool:
    sources = {source_of(tensor).op for tensor in operation.inputs}
    return operation.type in _JOINING and len(sources & inside) > 1
