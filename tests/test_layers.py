"""Which layers are chosen: by address, by kind, and where blocks end, in nets of every architecture."""

import keras
import nets
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from explain import targets
from explain.classifier import tapped
from explain.engine import explain
from explain.layers import choose


def chosen(model, wanted="blocks", size=None):
    """The wanted layers of a model, by a forward pass that is traced, not run."""
    shape = (1, *(size or model.input_shape[1:]))
    results = []

    def run(batch):
        with tapped(model) as calls:
            output = model(batch, training=False)
        results.extend(layer for layer, _ in choose(wanted, calls, batch, targets.head(output, batch).logits))
        return output

    tf.function(run, autograph=False).get_concrete_function(tf.TensorSpec(shape, tf.float32))
    return results


def addresses(*args, **kwargs):
    return [layer.address for layer in chosen(*args, **kwargs)]


def classifier(x, y):
    y = layers.GlobalAveragePooling2D()(y)
    return keras.Model(x, layers.Dense(2, activation="softmax")(y))


def conv(y, channels, name, stride=1, kernel=3, activation="relu"):
    """Convolution, normalisation, activation; `name`_conv, `name`_bn, `name`."""
    y = layers.Conv2D(channels, kernel, stride, "same", use_bias=False, name=f"{name}_conv")(y)
    y = layers.BatchNormalization(name=f"{name}_bn")(y)
    return layers.Activation(activation, name=name)(y) if activation else y


# --- By address and kind --------------------------------------------------------------------------------------------


def test_addresses_come_in_order_of_execution_and_once():
    results = chosen(nets.convolutional(), ["pool1", "conv0", "conv1", "conv0"])
    assert [layer.address for layer in results] == ["conv0", "conv1", "pool1"]
    assert [layer.shape for layer in results] == [(8, 8, 4), (4, 4, 6), (2, 2, 6)]


def test_depth_is_the_place_among_all_calls():
    """conv0 pool0 conv1 pool1 conv2: places 0 to 4."""
    depths = [layer.depth for layer in chosen(nets.convolutional(), ["conv0", "pool0", "conv2"])]
    assert depths == [0, 0.25, 1]
    assert [layer.depth for layer in chosen(nets.convolutional(), "pool0")] == [1]


def test_all_and_convolutions():
    assert addresses(nets.convolutional(), "all") == ["conv0", "pool0", "conv1", "pool1", "conv2"]
    assert addresses(nets.convolutional(), "convolutions") == ["conv0", "conv1", "conv2"]


def test_a_tensor_counts_once_by_its_innermost_layer():
    """Dropout hands its input through, a nested model returns what its last layer returned."""
    model, address = nets.nested_deeper()
    assert addresses(model, "all") == [address]


def test_every_way_to_a_tensor_is_an_address():
    model = nets.nested_deeper()[0]
    dropout = model.get_layer("middle").layers[-1].name
    ways = ["middle/inner/features", "middle/inner", f"middle/{dropout}", "middle"]
    assert addresses(model, ways) == ways


def test_second_call_of_a_shared_layer():
    assert addresses(nets.shared_layer()[0], "all") == ["features", "features#2"]
    assert addresses(nets.shared_model()[0], "all") == ["backbone/features", "backbone#2/features"]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("conv9", r"no layer 'conv9'. Nearest: conv\d"),
        (["conv0", "pol1"], "no layer 'pol1'. Nearest: pool1"),
        ("head", r"'head' has no map: its output is float32 \(n, 3\)"),
        ([], "No layer is asked for"),
        ("block", "Nearest: blocks"),
    ],
)
def test_refused(wanted, message):
    with pytest.raises(ValueError, match=message):
        explain(nets.convolutional(), np.zeros((1, 8, 8, 3), np.float32), layers=wanted)


def test_nearest_knows_the_last_part_of_an_address():
    with pytest.raises(ValueError, match="Nearest: backbone/features"):
        addresses(nets.nested()[0], "features")


def test_structures_have_no_map():
    with pytest.raises(ValueError, match="'several' has no map: its output is a list"):
        addresses(nets.structures_between_layers()[0], "several")


class Loop(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.features = nets.identity()

    def build(self, shape):
        self.features.build(shape)

    def call(self, x):
        return ops.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, self.features(y)), (0, x))[1]


def test_layers_inside_loops_cannot_be_reached_but_the_loop_can():
    x = keras.Input((2, 2, 2))
    model = keras.Model(x, nets.head()(layers.Flatten()(Loop(name="loop")(x))))
    np.testing.assert_allclose(explain(model, nets.PICTURE, 0, "loop").map(), nets.MAPS["gradcam"])
    with pytest.raises(ValueError, match="'loop/features' has no map: its output is made inside a loop"):
        addresses(model, "loop/features")


def test_model_without_maps():
    model = keras.Sequential([keras.Input((2, 2, 2)), layers.Flatten(), nets.head()])
    with pytest.raises(ValueError, match="no layer whose output is one map"):
        addresses(model)


# --- Blocks ---------------------------------------------------------------------------------------------------------


def test_plain_net_before_each_pooling():
    assert addresses(nets.convolutional()) == ["conv0", "conv1", "conv2"]
    assert addresses(nets.convolutional(), "last") == ["conv2"]


def test_plain_net_before_each_stride():
    x = keras.Input((32, 32, 3))
    y = conv(conv(conv(conv(x, 4, "a", 2), 4, "b"), 4, "c", 2), 4, "d")
    assert addresses(classifier(x, y)) == ["b", "d"]


def test_plain_net_behind_flatten_ends_before_the_last_pooling():
    x = keras.Input((16, 16, 3))
    y = layers.MaxPooling2D(2)(conv(layers.MaxPooling2D(2)(conv(x, 4, "a")), 4, "b"))
    y = layers.Dense(8, activation="relu")(layers.Flatten()(y))
    assert addresses(keras.Model(x, layers.Dense(2)(layers.Dense(4)(y)))) == ["a", "b"]


def test_residual_net():
    """Stem; a block ends behind its sum's ReLU; a projected shortcut; padding and pooling are no ends."""
    x = keras.Input((32, 32, 3))
    y = conv(x, 4, "stem")
    y = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(y))
    z = layers.Add(name="sum1")([y, conv(conv(y, 4, "in1"), 4, "out1", activation=None)])
    y = layers.ReLU(name="block1")(z)
    z = conv(conv(y, 8, "in2", 2), 8, "out2", activation=None)
    y = layers.ReLU(name="block2")(layers.Add(name="sum2")([conv(y, 8, "shortcut", 2, 1, None), z]))
    assert addresses(classifier(x, y)) == ["stem", "block1", "block2"]
    assert addresses(classifier(x, y), "last") == ["block2"]


@pytest.mark.parametrize("activation", ["relu", "relu6", "silu", "gelu", "hard_silu", "leaky_relu", "mish", "elu"])
def test_inverted_residuals_with_any_activation(activation):
    """Blocks without shortcut end at their linear bottleneck; squeeze-and-excitation multiplies, and ends nothing."""

    def block(y, channels, stride, name):
        z = conv(y, 24, f"{name}_widen", kernel=1, activation=activation)
        z = layers.DepthwiseConv2D(3, stride, "same", name=f"{name}_depthwise")(z)
        z = layers.Activation(activation, name=f"{name}_active")(z)
        gate = layers.GlobalAveragePooling2D(keepdims=True)(z)
        gate = layers.Conv2D(24, 1, activation="sigmoid")(layers.Conv2D(4, 1, activation=activation)(gate))
        z = layers.Multiply(name=f"{name}_gated")([z, gate])
        z = conv(z, channels, f"{name}_narrow", kernel=1, activation=None)
        return layers.Add(name=f"{name}_sum")([y, z]) if channels == y.shape[-1] and stride == 1 else z

    x = keras.Input((32, 32, 3))
    y = conv(x, 8, "stem", 2, activation=activation)
    y = block(block(block(y, 6, 1, "a"), 10, 2, "b"), 10, 1, "c")
    y = conv(y, 32, "top", kernel=1, activation=activation)
    assert addresses(classifier(x, y)) == ["stem", "a_narrow_bn", "b_narrow_bn", "c_sum", "top"]


def test_dense_and_inception_blocks_end_at_concatenation():
    x = keras.Input((16, 16, 3))
    y = conv(x, 4, "stem")
    y = layers.Concatenate(name="dense1")([y, conv(y, 4, "a")])
    y = layers.AveragePooling2D(2)(conv(y, 4, "transition", kernel=1))
    inner = conv(y, 4, "e")
    inner = layers.Concatenate(name="fork")([conv(inner, 4, "f"), conv(inner, 4, "g")])
    y = layers.Concatenate(name="mixed")([conv(y, 4, "b"), conv(conv(y, 4, "c"), 4, "d"), inner])
    assert addresses(classifier(x, y)) == ["stem", "dense1", "transition", "mixed"]


def test_separable_convolution_is_no_bottleneck():
    x = keras.Input((16, 16, 3))
    y = conv(x, 4, "stem")
    for name in "ab":
        z = conv(layers.DepthwiseConv2D(3, padding="same", name=f"{name}_depthwise")(y), 4, name, kernel=1)
        y = layers.Add(name=f"{name}_sum")([y, z])
    y = conv(y, 8, "head")
    y = conv(layers.DepthwiseConv2D(3, name="top_depthwise")(y), 8, "top", kernel=1)
    assert addresses(classifier(x, y)) == ["stem", "a_sum", "b_sum", "top"]


def test_linear_convolution_between_blocks_is_none():
    """ConvNeXt's: normalised and halved between two sums, without an activation of its own; a stem without one, too."""

    def block(y, name):
        return layers.Add(name=name)([y, conv(y, y.shape[-1], f"{name}_inside")])

    x = keras.Input((32, 32, 3))
    y = block(block(conv(x, 4, "stem", 2, activation=None), "a"), "b")
    y = layers.Conv2D(8, 2, 2, name="halved")(layers.LayerNormalization(name="norm")(y))
    assert addresses(classifier(x, block(y, "c"))) == ["stem_bn", "a", "b", "c"]


def test_prelu_adds_and_is_no_block():
    x = keras.Input((16, 16, 3))
    y = layers.PReLU(name="active")(layers.Conv2D(4, 3, name="conv")(x))
    y = layers.PReLU(name="last")(layers.Conv2D(4, 3)(layers.MaxPooling2D(2)(y)))
    assert addresses(classifier(x, y)) == ["active", "last"]


def test_sums_written_as_operations():
    x = keras.Input((16, 16, 3))
    y = conv(x, 4, "stem")
    z = y + conv(y, 4, "a")
    z = ops.relu(z + conv(z, 4, "b"))
    names = addresses(classifier(x, z))
    assert names[0] == "stem"
    assert [address.split("_")[0] for address in names[1:]] == ["add", "relu"]


class Residual(layers.Layer):
    """A block whose sum and ReLU are not layers."""

    def __init__(self, **options):
        super().__init__(**options)
        self.inside = layers.Conv2D(4, 3, padding="same", activation="relu", name="inside")

    def build(self, shape):
        self.inside.build(shape)

    def call(self, x):
        return tf.nn.relu(x + self.inside(x))


def test_blocks_that_are_layers():
    x = keras.Input((16, 16, 3))
    y = Residual(name="two")(Residual(name="one")(conv(x, 4, "stem")))
    assert addresses(classifier(x, y)) == ["stem", "one", "two"]


def test_net_that_never_narrows_to_one_tensor():
    """Every stage goes to the head by itself: merges and ends of resolutions, stage by stage."""
    x = keras.Input((16, 16, 3))
    a = conv(x, 4, "a")
    b = layers.Add(name="b_sum")([a, conv(a, 4, "b")])
    c = conv(layers.MaxPooling2D(2, name="pool")(b), 4, "c")
    d = conv(conv(c, 4, "d", 2), 4, "e")
    heads = layers.Concatenate()([layers.GlobalAveragePooling2D()(end) for end in (a, b, c, d)])
    assert addresses(keras.Model(x, layers.Dense(2)(heads))) == ["a", "b_sum", "c", "e"]


def down_and_up(x, levels, turns=1):
    """U-Nets one behind the other, each `levels` deep; at each level on the way up the map of the way down joins."""
    y = x
    for turn in range(turns):
        passed = []
        for level in range(levels):
            y = conv(y, 4, f"down{turn}{level}")
            passed.append(y)
            y = layers.MaxPooling2D(2)(y)
        y = conv(y, 8, f"bottom{turn}")
        for level in reversed(range(levels)):
            y = layers.Concatenate(name=f"join{turn}{level}")([layers.UpSampling2D(2)(y), passed[level]])
            y = conv(y, 4, f"up{turn}{level}")
    return y


@pytest.mark.parametrize("levels", [2, 3])
def test_the_deepest_level_of_a_u_net_is_a_block(levels):
    x = keras.Input((32, 32, 3))
    names = addresses(classifier(x, down_and_up(x, levels)))
    downs = [f"down0{level}" for level in range(levels)]
    joins = [f"join0{level}" for level in reversed(range(levels))]
    assert names == [*downs, "bottom0", *joins, "up00"]


def test_each_of_several_deepest_levels_is_a_block():
    """Two of them, both in one piece, as the first map joins once more before the end."""
    x = keras.Input((16, 16, 3))
    y = conv(x, 4, "stem")
    y = layers.Concatenate(name="joined")([y, down_and_up(y, 2, turns=2)])
    assert {"bottom0", "bottom1"} <= set(addresses(classifier(x, conv(y, 4, "top"))))


# --- Branches -------------------------------------------------------------------------------------------------------


def backbone(name, pooled=False, size=32):
    x = y = keras.Input((size, size, 3))
    for index in range(2):
        y = layers.MaxPooling2D(2)(layers.Conv2D(4, 3, padding="same", activation="relu", name=f"conv{index}")(y))
    y = layers.Conv2D(8, 3, padding="same", activation="relu", name="end")(y)
    return keras.Model(x, layers.MaxPooling2D(2)(y) if pooled else y, name=name)


POOLINGS = {
    "average": layers.GlobalAveragePooling2D,
    "maximum": layers.GlobalMaxPooling2D,
    "flattened": layers.Flatten,
    "both": lambda: lambda y: ops.concatenate([ops.mean(y, (1, 2)), ops.max(y, (1, 2))], 1),
}


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("pooling", POOLINGS.values(), ids=POOLINGS)
@pytest.mark.parametrize("names", ["ab", "abc"])
def test_the_end_of_every_branch_is_a_block_and_last_names_them(names, pooling, pooled):
    x = keras.Input((32, 32, 3))
    features = layers.Concatenate()([pooling()(backbone(name, pooled)(x)) for name in names])
    model = keras.Model(x, layers.Dense(3, activation="softmax")(features))
    blocks = addresses(model)
    assert {f"{name}/end" for name in names} <= set(blocks)
    with pytest.raises(
        ValueError, match=f"has {len(names)} last layers, one a branch: name those wanted of .*/end, ./end"
    ):
        addresses(model, "last")
    ends = [f"{name}/end" for name in names]
    assert sorted(addresses(model, ends)) == ends


def test_branches_behind_a_trunk():
    x = keras.Input((16, 16, 3))
    y = conv(x, 4, "stem")
    y = conv(layers.MaxPooling2D(2)(y), 4, "trunk")
    pools = [layers.GlobalAveragePooling2D()(conv(y, 4, name)) for name in ("left", "right")]
    model = keras.Model(x, layers.Dense(2)(layers.Add()(pools)))
    names = addresses(model)
    assert names[0] == "stem"
    assert set(names[-2:]) == {"left", "right"}


def test_ends_that_come_together_are_one():
    """A map that goes to the head by itself and on to another map, and a gate, are no branches of their own."""
    x = keras.Input((16, 16, 3))
    y = conv(x, 4, "first")
    z = conv(layers.MaxPooling2D(2)(y), 4, "second")
    weighting = layers.Conv2D(1, 1, activation="sigmoid", name="attention")(z)
    pooled = [layers.GlobalAveragePooling2D()(part) for part in (y, layers.Multiply(name="gated")([z, weighting]))]
    model = keras.Model(x, layers.Dense(2)(layers.Concatenate()(pooled)))
    assert len(addresses(model, "last")) == 1


def test_a_branch_of_a_fixed_picture_is_not_offered():
    """A siamese net, whose second picture is held fixed: that picture's maps are not this one's."""
    shared = backbone("shared")
    x = keras.Input((32, 32, 3))
    fixed = np.random.default_rng(0).uniform(size=(1, 32, 32, 3)).astype(np.float32)
    apart = layers.GlobalAveragePooling2D()(shared(x)) - layers.GlobalAveragePooling2D()(Fixed(shared, fixed)(x))
    model = keras.Model(x, layers.Dense(2)(apart))
    assert addresses(model, "last") == ["shared/end"]
    assert all(address.startswith("shared/") for address in addresses(model, "all"))
    with pytest.raises(ValueError, match="does not depend on the picture"):
        addresses(model, "fixed/shared/end")


class Fixed(layers.Layer):
    """What a network gives for one picture that is always the same."""

    def __init__(self, network, picture):
        super().__init__(name="fixed")
        self.network, self.picture = network, picture

    def call(self, x):
        return self.network(ops.convert_to_tensor(self.picture))

    def compute_output_shape(self, shape):
        return self.network.output_shape


# --- Tokens and windows ---------------------------------------------------------------------------------------------


class Patches(layers.Layer):
    """Patches as tokens, with a class token before them and a position each."""

    def build(self, shape):
        self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")
        self.position = self.add_weight(shape=(1, shape[1] + 1, shape[-1]), name="position")

    def call(self, x):
        token = ops.broadcast_to(self.token, (ops.shape(x)[0], 1, x.shape[-1]))
        return ops.concatenate([token, x], 1) + self.position


def attention(y, name, heads=2):
    z = layers.LayerNormalization()(y)
    return layers.Add()([y, layers.MultiHeadAttention(heads, 4, name=name)(z, z)])


def handmade_attention(y, name, heads=2):
    """Heads by Reshape: batch x tokens x heads x dimension, with Dense layers."""
    tokens, channels = y.shape[1:]
    query, key, value = (
        layers.Reshape((tokens, heads, channels // heads), name=f"{name}_{part}")(layers.Dense(channels)(y))
        for part in ("query", "key", "value")
    )
    weighting = layers.Softmax(name=f"{name}_softmax")(ops.einsum("nqhd,nkhd->nhqk", query, key))
    mixed = ops.einsum("nhqk,nkhd->nqhd", weighting, value)
    return layers.Add()([y, layers.Reshape((tokens, channels))(mixed)])


@pytest.mark.parametrize("block", [attention, handmade_attention])
def test_tokens_of_a_grid_are_places(block):
    """A vision transformer has maps of its patches and of the tokens that attention looks at; heads are none."""
    x = keras.Input((32, 32, 3))
    y = layers.Conv2D(8, 8, 8, name="patches")(layers.Rescaling(1 / 255, name="scaled")(x))
    y = Patches(name="tokens")(layers.Reshape((16, 8))(y))
    y = block(block(y, "first"), "second")
    model = keras.Model(x, layers.Dense(2, activation="softmax")(layers.LayerNormalization(name="norm")(y)[:, 0]))
    assert {"scaled", "patches", "tokens", "norm"} <= set(addresses(model, "all"))
    assert not [address for address in addresses(model, "all") if "query" in address or "softmax" in address]
    assert len(addresses(model)) == 2
    assert addresses(model, "last") == addresses(model)[1:]
    separator = "/" if block is attention else "_"
    with pytest.raises(ValueError, match=r"has no map: its output is float32 \(n, 17, 2, 4\): tokens, not places"):
        addresses(model, f"second{separator}query")


def test_a_model_of_tokens_that_do_not_tell_their_place_is_refused():
    x = keras.Input((32, 32, 3))
    y = attention(layers.Dense(8)(layers.Reshape((16, 192))(x)), "attention")
    with pytest.raises(ValueError, match="tokens are none unless they tell"):
        addresses(keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling1D()(y))))


@pytest.mark.parametrize("block", [attention, handmade_attention])
def test_tokens_that_are_laid_out_again_are_places(block):
    """Attention in the middle of a convolutional net (Wang et al. 2018, non-local): its blocks are those of the net."""
    x = keras.Input((16, 16, 3))
    y = conv(x, 8, "stem", 2)
    z = layers.Reshape((8, 8, 8), name="laid_out")(block(layers.Reshape((64, 8), name="rows")(y), "attention"))
    model = classifier(x, conv(z, 8, "top"))
    assert {"stem", "rows", "laid_out", "top"} <= set(addresses(model, "all"))
    assert addresses(model, "last") == ["top"]
    assert "rows" not in addresses(model)


def shuffled(y):
    """ShuffleNet's: channels in groups, turned."""
    height, width, channels = y.shape[1:]
    y = ops.transpose(ops.reshape(y, (-1, height, width, 2, channels // 2)), (0, 1, 2, 4, 3))
    return ops.reshape(y, (-1, height, width, channels))


def folded(y):
    """Squares of 2 x 2 places become channels."""
    height, width, channels = y.shape[1:]
    y = ops.transpose(ops.reshape(y, (-1, height // 2, 2, width // 2, 2, channels)), (0, 1, 3, 2, 4, 5))
    return ops.reshape(y, (-1, height // 2, width // 2, 4 * channels))


def in_groups(y):
    return layers.GroupNormalization(2)(y)


def by_axes(y):
    """Coordinate attention (Hou et al. 2021): means along each axis, which weigh the map."""
    rows = ops.expand_dims(ops.mean(y, 2), 2)
    columns = ops.expand_dims(ops.mean(y, 1), 1)
    return y * ops.sigmoid(rows) * ops.sigmoid(columns)


def by_place(y):
    """Spatial attention: one weight a place, from the mean over channels."""
    return y * ops.sigmoid(ops.expand_dims(ops.mean(y, -1), -1))


@pytest.mark.parametrize("part", [shuffled, folded, in_groups, by_axes, by_place])
def test_maps_that_are_reshaped_on_the_way_stay_maps(part):
    x = keras.Input((16, 16, 3))
    model = classifier(x, conv(part(conv(x, 8, "stem")), 8, "top"))
    assert {"stem", "top"} <= set(addresses(model, "all"))
    assert addresses(model, "last") == ["top"]


class Windows(layers.Layer):
    """Swin's partition: the layers inside see four windows of each picture as pictures of their own."""

    def __init__(self, **options):
        super().__init__(**options)
        self.inside = layers.Dense(8, activation="gelu", name="inside")

    def build(self, shape):
        self.inside.build((None, 4, 4, 8))

    def call(self, x):
        y = ops.transpose(ops.reshape(x, (-1, 2, 4, 2, 4, 8)), (0, 1, 3, 2, 4, 5))
        y = ops.reshape(self.inside(ops.reshape(y, (-1, 4, 4, 8))), (-1, 2, 2, 4, 4, 8))
        return x + ops.reshape(ops.transpose(y, (0, 1, 3, 2, 4, 5)), (-1, 8, 8, 8))


class Turned(layers.Layer):
    """What a layer inside sees is the picture and its mirror image, as two pictures."""

    def __init__(self, **options):
        super().__init__(**options)
        self.inside = layers.Dense(8, activation="gelu", name="inside")

    def build(self, shape):
        self.inside.build(shape)

    def call(self, x):
        both = ops.split(self.inside(ops.concatenate([x, ops.flip(x, 2)], 0)), 2)
        return both[0] + both[1]


@pytest.mark.parametrize("count", [1, pytest.param(2, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize("part", [Windows, Turned])
def test_every_layer_has_one_map_a_picture(part, count):
    x = keras.Input((16, 16, 3))
    y = part(name="part")(layers.Conv2D(8, 2, 2, activation="relu", name="stem")(x))
    model = classifier(x, y)
    pictures = np.random.default_rng(0).uniform(size=(count, 16, 16, 3)).astype(np.float32)
    for wanted in ("all", "blocks"):
        explanation = explain(model, pictures, 1, wanted, features=2)
        assert all(len(maps) == count for maps in explanation.maps["gradcam"].values())
        assert "part/inside" not in explanation.maps["gradcam"]
    assert list(explain(model, pictures, 1, "all").maps["gradcam"]) == ["stem", "part"]
    with pytest.raises(ValueError, match="'part/inside' has no map: its output is not one map per picture"):
        explain(model, pictures, 1, "part/inside")


def test_gates_of_one_place_are_left_out():
    x = keras.Input((8, 8, 3))
    y = conv(x, 4, "stem")
    gate = layers.Conv2D(4, 1, activation="sigmoid", name="gate")(layers.GlobalAveragePooling2D(keepdims=True)(y))
    model = classifier(x, conv(layers.Multiply(name="gated")([y, gate]), 4, "top"))
    assert addresses(model, "convolutions") == ["stem_conv", "top_conv"]
    assert "gate" not in addresses(model, "all")
    assert addresses(model, "gate") == ["gate"]


def test_at_most_twenty_with_first_and_last():
    x = keras.Input((8, 8, 3))
    y = conv(x, 2, "stem")
    for index in range(30):
        y = layers.Add(name=f"sum{index}")([y, conv(y, 2, f"conv{index}")])
    names = addresses(classifier(x, y))
    assert len(names) == len(set(names)) == 20
    assert (names[0], names[-1]) == ("stem", "sum29")


def lite_blocks():
    repeats = (1, 2, 2, 3, 3, 4, 1)
    names = [(f"block{stage + 1}{'abcd'[repeat]}", repeat) for stage, n in enumerate(repeats) for repeat in range(n)]
    return [
        "stem_activation",
        *(f"{name}_{'add' if again else 'project_bn'}" for name, again in names),
        "top_activation",
    ]


@pytest.mark.parametrize("variant", ["lite0", pytest.param("b0", marks=pytest.mark.slow)])
def test_our_efficientnets(variant):
    efficientnet = pytest.importorskip("training.models.efficientnet").efficientnet  # not of the library
    names = addresses(efficientnet(variant, 2, 64))
    assert len(names) == 18
    assert names == lite_blocks()


def test_names_do_not_matter():
    """The same net with meaningless names gives the same layers."""
    efficientnet = pytest.importorskip("training.models.efficientnet").efficientnet  # not of the library
    model = efficientnet("lite0", 1, 64)
    names = {layer.name: f"x{index * 7919 % 1000}" for index, layer in enumerate(model.layers)}
    renamed = keras.models.clone_model(
        model, clone_function=lambda layer: type(layer).from_config({**layer.get_config(), "name": names[layer.name]})
    )
    assert addresses(renamed) == [names[name] for name in lite_blocks()]


def application(build, size=64, **options):
    keras.utils.clear_session()  # the numbers in names count from the start
    return getattr(keras.applications, build)(weights=None, input_shape=(size, size, 3), classes=10, **options)


@pytest.mark.slow
def test_vgg16():
    backbone = application("VGG16", include_top=False, pooling="avg", name="vgg")
    model = keras.Sequential([keras.Input((64, 64, 3)), backbone, layers.Dense(2, activation="softmax")])
    ends = ["block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3"]
    assert addresses(model) == [f"vgg/{name}" for name in ends]


def sequence(pattern, *counts):
    return [pattern.format(stage, block + 1) for stage, count in counts for block in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ResNet50", ["conv1_relu", *sequence("conv{}_block{}_out", (2, 3), (3, 4), (4, 6), (5, 3))]),
        (
            "MobileNetV2",
            [
                "Conv1_relu",
                "expanded_conv_project_BN",
                *(f"block_{i}_{'project_BN' if i in (1, 3, 6, 10, 13, 16) else 'add'}" for i in range(1, 17)),
                "out_relu",
            ],
        ),
        ("MobileNet", [f"conv_pw_{i}_relu" for i in (1, 3, 5, 11, 13)]),
        ("Xception", ["block1_conv1_act", "add", *(f"add_{i}" for i in range(1, 12)), "block14_sepconv2_act"]),
        ("ConvNeXtTiny", ["stem/stem_layernorm", "add", *(f"add_{i}" for i in range(1, 18))]),
        ("InceptionV3", ["activation", "activation_2", "activation_4", *(f"mixed{i}" for i in range(11))]),
    ],
)
def test_applications(name, expected):
    size = {"InceptionV3": 139, "Xception": 96}.get(name, 64)
    assert [address.replace("convnext_tiny_", "") for address in addresses(application(name, size))] == expected


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), [("DenseNet121", 64), ("NASNetMobile", 224)])
def test_applications_of_many_blocks(name, size):
    """Evenly from all resolutions, never from small to large."""
    results = chosen(application(name, size))
    heights = [layer.shape[0] for layer in results]
    assert len(results) == 20
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) >= 4
    assert results[-1].shape[0] == size // 32
