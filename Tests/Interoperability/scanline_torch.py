"""Scanline's models as plain PyTorch modules, in double precision.

Written from the README's tables of tensors, not from the package's sources, so that the two can be held against each
other. Parameters have the names that `scanline import` takes; `ours` gives a checkpoint's name of each.

Shapes: N images, H x W pixels, C channels, W features of the stream, G gates a cell, K classes, F features of the
transformations that a network was told of.
"""
import json
import math

import torch
import torch.nn.functional as F
from torch import nn

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}


class Configuration:
    """What a model is: the `model` of a checkpoint's state.json."""

    def __init__(self, **fields):
        self.model = fields["model"]
        self.width = fields["width"]
        self.blocks = fields["blocks"]
        self.channels = fields["shape"]["channels"]
        self.levels = fields["levels"]
        self.likelihood = fields["likelihood"]
        self.mixtures = fields.get("mixtures")
        self.activation = fields["activation"]
        self.residual = fields["residual"]
        self.directions = fields["directions"]
        self.attention = fields.get("attention") or 0
        self.order = fields.get("order") or "rows"
        self.skip = fields.get("skip") or 0
        self.whole_rows = fields.get("wholeRows") or False
        self.height, self.width_pixels = fields["shape"]["height"], fields["shape"]["width"]
        self.classes = fields.get("classNames") or []
        self.augmentation = fields.get("augmentation") or ""

    @staticmethod
    def of_checkpoint(step):
        with open(f"{step}/state.json") as file:
            return Configuration(**json.load(file)["model"])

    @property
    def conditions(self):
        """K and F of the layers that are conditioned: a shift of N pixels has 2N ways but the identity, in x and in y."""
        parts = [part.split(":") for part in self.augmentation.split(",") if part]
        return len(self.classes), sum(4 * int(part[1]) if part[0] == "shift" else 1 for part in parts)

    @property
    def groups(self):
        """Features are split by colours where the channels of a pixel are drawn one after the other."""
        return self.channels if self.channels > 1 and self.likelihood != "logistic-mixture" else 1

    @property
    def outputs(self):
        if self.likelihood == "bernoulli":
            return self.channels
        if self.likelihood == "categorical":
            return self.channels * self.levels
        pairs = self.channels * (self.channels - 1) // 2
        return self.mixtures * (1 + 2 * self.channels + pairs)


# Masks


def colours(outputs, inputs, groups, strict, gates=1):
    """[outputs, inputs]: which inputs of the same pixel an output sees. Each of the `gates` is split on its own."""
    if groups == 1:
        return torch.full((outputs, inputs), not strict)
    features = outputs // gates
    group_out = torch.arange(outputs) % features * groups // features
    group_in = torch.arange(inputs) * groups // inputs
    return group_in[None] < group_out[:, None] if strict else group_in[None] <= group_out[:, None]


def square_mask(outputs, inputs, size, groups, strict):
    """[outputs, inputs, size, size]: rows above, pixels to the left, and of the middle what `colours` allows."""
    mask = torch.zeros(outputs, inputs, size, size, dtype=torch.bool)
    mask[:, :, : size // 2] = True
    mask[:, :, size // 2, : size // 2] = True
    mask[:, :, size // 2, size // 2] = colours(outputs, inputs, groups, strict)
    return mask


class Convolution(nn.Module):
    """A convolution with masked taps and, of a class, a bias more: V'c.

    `augment` would add as much for the features of a transformation; scores are those of the identity, which has none.
    """

    def __init__(self, inputs, outputs, kernel, mask=None, conditions=(0, 0)):
        super().__init__()
        bound = 1 / math.sqrt(inputs * kernel[0] * kernel[1])
        self.weight = nn.Parameter(torch.empty(outputs, inputs, *kernel).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound))
        classes, features = conditions
        if classes:
            self.cond = nn.Linear(classes, outputs, bias=False)
        if features:
            self.augment = nn.Linear(features, outputs, bias=False)
        self.register_buffer("mask", torch.ones_like(self.weight) if mask is None else mask.float(), persistent=False)

    def forward(self, x, c, padding=(0, 0, 0, 0)):
        """x [N, inputs, H, W], c [N, K] one-hot; `padding` left, right, above, below."""
        y = F.conv2d(F.pad(x, padding), self.weight * self.mask, self.bias)
        return y + self.cond(c)[:, :, None, None] if hasattr(self, "cond") else y


def pointwise(inputs, outputs, groups, conditions=(0, 0), gates=1):
    mask = colours(outputs, inputs, groups, False, gates)[:, :, None, None]
    return Convolution(inputs, outputs, (1, 1), mask, conditions)


class Head(nn.ModuleDict):
    """phi, 1x1, phi, 1x1."""

    def __init__(self, cfg, phi):
        super().__init__(
            {"1": pointwise(cfg.width, cfg.width, cfg.groups), "3": pointwise(cfg.width, cfg.outputs, cfg.groups)}
        )
        self.phi = phi

    def forward(self, x):
        return self["3"](self.phi(self["1"](self.phi(x), None)), None)


def add_skip(model, cfg):
    """Gives `model` the masked convolution from the image to the logits."""
    if cfg.skip:
        mask = square_mask(cfg.outputs, cfg.channels, cfg.skip, cfg.groups, True)
        model.skip = Convolution(cfg.channels, cfg.outputs, (cfg.skip, cfg.skip), mask)


def with_skip(model, logits, image):
    if not hasattr(model, "skip"):
        return logits
    reach = model.skip.weight.shape[-1] // 2
    return logits + model.skip(image, None, (reach,) * 4)


# PixelCNN


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        half = cfg.width // 2
        mask = square_mask(half, half, 3, cfg.groups, False)
        self.net = nn.ModuleDict({
            "1": pointwise(cfg.width, half, cfg.groups),
            "3": Convolution(half, half, (3, 3), mask, cfg.conditions),
            "5": pointwise(half, cfg.width, cfg.groups),
        })
        self.phi, self.residual = ACTIVATIONS[cfg.activation], cfg.residual

    def forward(self, x, c):
        y = self.phi(self.net["1"](x if self.residual == "post" else self.phi(x), c))
        y = self.phi(self.net["3"](y, c, (1, 1, 1, 1)))
        y = self.net["5"](y, c)
        if self.residual == "none":
            return y
        return self.phi(x + y) if self.residual == "post" else x + y


class PixelCNN(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.phi, self.is_post = ACTIVATIONS[cfg.activation], cfg.residual == "post"
        mask = square_mask(cfg.width, cfg.channels, 7, cfg.groups, True)
        self.add_module("0", Convolution(cfg.channels, cfg.width, (7, 7), mask, cfg.conditions))
        for index in range(cfg.blocks):
            self.add_module(str(index + 1), Block(cfg))
        self.blocks = cfg.blocks
        self.add_module(str(cfg.blocks + 1), Head(cfg, self.phi))
        add_attention(self, cfg)
        add_skip(self, cfg)

    def forward(self, image, c):
        x = self.position(getattr(self, "0")(image, c, (3, 3, 3, 3)))
        if self.is_post:
            x = self.phi(x)
        for index in range(self.blocks):
            x = attend(self, index, getattr(self, str(index + 1))(x, c), image)
        head = getattr(self, str(self.blocks + 1))
        # After blocks that end in phi the head does not begin with it.
        logits = head["3"](self.phi(head["1"](x, None)), None) if self.is_post else head(x)
        return with_skip(self, logits, image)


# Gated PixelCNN


class GatedLayer(nn.Module):
    def __init__(self, cfg, is_first):
        super().__init__()
        width, inputs = cfg.width, cfg.channels if is_first else cfg.width
        self.v = Convolution(inputs, 2 * width, (2, 3), None, cfg.conditions)
        self.vh = Convolution(2 * width, 2 * width, (1, 1))
        # Columns x - 1 and x; of the image x - 2 and x - 1, and of its colours also those before one's own.
        columns = 3 if is_first and cfg.groups > 1 else 2
        mask = torch.ones(2 * width, inputs, 1, columns, dtype=torch.bool)
        if not is_first or cfg.groups > 1:
            mask[:, :, 0, -1] = colours(2 * width, inputs, cfg.groups, is_first, gates=2)
        self.h = Convolution(inputs, 2 * width, (1, columns), mask, cfg.conditions)
        self.out = pointwise(width, width, cfg.groups)
        self.is_first = is_first

    @staticmethod
    def gate(z):
        a, b = z.chunk(2, 1)
        return torch.tanh(a) * torch.sigmoid(b)

    def forward(self, v, h, c):
        # Rows -1 to H - 1: what row y - 1 has found is what the horizontal stack reads at row y.
        sums = self.v(v, c, (1, 1, 2, 0))
        if self.is_first and self.h.weight.shape[3] == 2:
            z = self.h(h, c, (2, 0, 0, 0))[:, :, :, :-1]
        else:
            z = self.h(h, c, (self.h.weight.shape[3] - 1, 0, 0, 0))
        y = self.out(self.gate(z + self.vh(sums[:, :, :-1], c)), c)
        return self.gate(sums[:, :, 1:]), y if self.is_first else h + y


class GatedPixelCNN(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.layers = nn.ModuleList(GatedLayer(cfg, index == 0) for index in range(cfg.blocks))
        self.head = Head(cfg, torch.relu)
        add_skip(self, cfg)

    def forward(self, image, c):
        v = h = image
        for layer in self.layers:
            v, h = layer(v, h, c)
        return with_skip(self, self.head(h), image)


# Recurrences


class Direction(nn.Module):
    """h of every cell from its input and its neighbours' h, pixel by pixel."""

    def __init__(self, cfg, reads_image, mirrored):
        super().__init__()
        self.is_lstm = cfg.model == "diagonal-lstm"
        features, gates = (cfg.width // 2, 4) if self.is_lstm else (cfg.width, 1)
        if reads_image:
            # The pixel to the left, the pixel above; and of colours the earlier ones of the pixel itself.
            places = 3 if cfg.groups > 1 else 2
            mask = torch.ones(features, places * cfg.channels, 1, 1, dtype=torch.bool)
            if places == 3:
                mask[:, 2 * cfg.channels :, 0, 0] = colours(features, cfg.channels, cfg.groups, True)
            self.i = Convolution(places * cfg.channels, features, (1, 1), mask, cfg.conditions)
        else:
            self.i = pointwise(cfg.width, gates * features, cfg.groups, cfg.conditions, gates)
        self.rec = nn.Module()
        bound = 1 / math.sqrt(2 * features)
        self.rec.weight = nn.Parameter(torch.empty(gates * features, 2 * features).uniform_(-bound, bound))
        self.phi, self.reads_image, self.mirrored = ACTIVATIONS[cfg.activation], reads_image, mirrored
        if cfg.whole_rows and mirrored:
            self.pixel = Convolution(cfg.channels, gates * features, (1, 1))

    def inputs(self, x, c):
        """What a cell gets from below: [N, gates * features, H, W]."""
        if self.reads_image:
            left, above = F.pad(x, (1, 0, 0, 0))[:, :, :, :-1], F.pad(x, (0, 0, 1, 0))[:, :, :-1]
            x = torch.cat([left, above] + ([x] if self.i.weight.shape[1] == 3 * x.shape[1] else []), 1)
        return self.i(x, c)

    def cell(self, sums, state):
        """Output and inner state of cells: sums [..., gates * features], the state of those beside [..., features]."""
        if not self.is_lstm:
            return self.phi(sums), state
        # The state goes on from the cell beside alone.
        i, f, o, g = sums.chunk(4, -1)
        state = torch.sigmoid(f) * state + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(state), state

    def forward(self, x, c, image):
        # [H, W, N, gates * features]
        z = self.inputs(x, c) + (self.pixel(image, None) if hasattr(self, "pixel") else 0)
        z = z.permute(2, 3, 0, 1)
        height, width, count, _ = z.shape
        zero = z.new_zeros(count, self.rec.weight.shape[1] // 2)
        above = [zero] * width
        for y in range(height):
            beside = state = zero
            row = [zero] * width
            for x in reversed(range(width)) if self.mirrored else range(width):
                sums = z[y, x] + F.linear(torch.cat([beside, above[x]], 1), self.rec.weight)
                beside, state = self.cell(sums, state)
                row[x] = beside
            above = row
            yield torch.stack(row, 2)


class RecurrentLayer(nn.Module):
    def __init__(self, cfg, index):
        super().__init__()
        self.is_lstm = cfg.model == "diagonal-lstm"
        names = ["l", "r"][: cfg.directions]
        reads_image = not self.is_lstm and index == 0
        directions = [Direction(cfg, reads_image, name == "r") for name in names]
        self.is_plain = not self.is_lstm and len(names) == 1
        if self.is_plain:
            # Its parameters have no direction in their names.
            self.i, self.rec = directions[0].i, directions[0].rec
            object.__setattr__(self, "only", directions[0])
        else:
            for name, direction in zip(names, directions):
                self.add_module(name, direction)
        if self.is_lstm:
            self.out = pointwise(cfg.width // 2, cfg.width, cfg.groups)
        self.is_residual = self.is_lstm or (cfg.residual == "pre" and index > 0)

    def forward(self, x, c, image):
        y = torch.stack(list((self.only if self.is_plain else self.l)(x, c, image)), 2)
        if hasattr(self, "r"):
            # Moved down one row: at (y, x) it would have seen pixels to the right of x.
            y = y + F.pad(torch.stack(list(self.r(x, c, image)), 2), (0, 0, 1, 0))[:, :, :-1]
        if self.is_lstm:
            y = self.out(y, c)
        return x + y if self.is_residual else y


class Recurrent(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.is_lstm, self.blocks = cfg.model == "diagonal-lstm", cfg.blocks
        if self.is_lstm:
            mask = square_mask(cfg.width, cfg.channels, 7, cfg.groups, True)
            self.add_module("0", Convolution(cfg.channels, cfg.width, (7, 7), mask, cfg.conditions))
        for index in range(cfg.blocks):
            self.add_module(str(index + 1), RecurrentLayer(cfg, index))
        self.add_module(str(cfg.blocks + 1), Head(cfg, torch.relu))
        add_attention(self, cfg)
        add_skip(self, cfg)

    def forward(self, image, c):
        x = self.position(getattr(self, "0")(image, c, (3, 3, 3, 3))) if self.is_lstm else image
        for index in range(self.blocks):
            x = attend(self, index, getattr(self, str(index + 1))(x, c, image), image)
        return with_skip(self, getattr(self, str(self.blocks + 1))(x), image)


# Linear recurrences


class LinearLayer(nn.Module):
    """x + out(left + right), recurrences whose gates f, s, o and values g see the input alone."""

    def __init__(self, cfg):
        super().__init__()
        gates = 4 * cfg.width
        self.l = pointwise(cfg.width, gates, cfg.groups, cfg.conditions, 4)
        self.r = nn.ModuleDict({
            "input": Convolution(cfg.width, gates, (1, 1)), "pixel": Convolution(cfg.channels, gates, (1, 1)),
        })
        self.out = pointwise(cfg.width, cfg.width, cfg.groups)

    @staticmethod
    def scan(z):
        """From left to right, row by row: z [N, 4k, H, W]."""
        f, s, o, g = z.chunk(4, 1)
        f, s, o, g = torch.sigmoid(f), torch.sigmoid(s), torch.sigmoid(o), torch.tanh(g)
        height, width = z.shape[2:]
        zero = torch.zeros_like(f[:, :, 0, 0])
        above, rows = [zero] * width, []
        for y in range(height):
            row = []
            for x in range(width):
                before = s[:, :, y, x] * (row[-1] if row else zero) + (1 - s[:, :, y, x]) * above[x]
                row.append(f[:, :, y, x] * before + (1 - f[:, :, y, x]) * g[:, :, y, x])
            above = row
            rows.append(torch.stack(row, 2))
        return o * torch.stack(rows, 2)

    def forward(self, x, c, image):
        y = self.scan(self.l(x, c))
        # From the right over the rows above, whose pixels are known too; nothing lies above the first.
        above = (self.r["input"](x, None) + self.r["pixel"](image, None))[:, :, :-1]
        if above.shape[2] > 0:
            y = y + F.pad(self.scan(above.flip(3)).flip(3), (0, 0, 1, 0))
        return x + self.out(y, c)


class LinearRNN(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        mask = square_mask(cfg.width, cfg.channels, 7, cfg.groups, True)
        self.add_module("0", Convolution(cfg.channels, cfg.width, (7, 7), mask, cfg.conditions))
        for index in range(cfg.blocks):
            self.add_module(str(index + 1), LinearLayer(cfg))
        self.blocks = cfg.blocks
        self.add_module(str(cfg.blocks + 1), Head(cfg, torch.relu))
        add_attention(self, cfg)
        add_skip(self, cfg)

    def forward(self, image, c):
        x = self.position(getattr(self, "0")(image, c, (3, 3, 3, 3)))
        for index in range(self.blocks):
            x = attend(self, index, getattr(self, str(index + 1))(x, c, image), image)
        return with_skip(self, getattr(self, str(self.blocks + 1))(x), image)


# Positions and attention


class Position(nn.Module):
    """x and a vector of its row and one of its column."""

    def __init__(self, cfg):
        super().__init__()
        self.rows = nn.Parameter(0.1 * torch.randn(cfg.height, cfg.width))
        self.columns = nn.Parameter(0.1 * torch.randn(cfg.width_pixels, cfg.width))

    def forward(self, x):
        return x + self.rows.T[None, :, :, None] + self.columns.T[None, :, None, :]


class Attention(nn.Module):
    """x + out(attention of every position to all before it)."""

    def __init__(self, cfg):
        super().__init__()
        self.heads, self.key = (3, 16) if cfg.groups > 1 else (2, 8)
        keys, values = self.heads * self.key, self.heads * 32
        self.query = pointwise(cfg.width, keys, cfg.groups)
        self.memory = Convolution(cfg.width, keys + values, (1, 1))
        self.pixel = Convolution(cfg.channels, keys + values, (1, 1))
        self.out = pointwise(values, cfg.width, cfg.groups)

    def forward(self, x, image):
        count, _, height, width = x.shape
        held = self.memory(x, None) + self.pixel(image, None)
        q, k, v = (
            t.reshape(count, self.heads, -1, height * width).transpose(2, 3)
            for t in (self.query(x, None), *held.split([self.heads * self.key, self.heads * 32], 1))
        )
        scores = q @ k.transpose(2, 3) / math.sqrt(self.key)
        later = torch.ones(height * width, height * width, dtype=torch.bool).triu()
        # The first position sees nothing: its sum is zero, not a mean of nothing.
        weights = scores.masked_fill(later, -math.inf).softmax(3).nan_to_num(0)
        y = (weights @ v).transpose(2, 3).reshape(count, -1, height, width)
        return x + self.out(y, None)


def add_attention(model, cfg):
    """Gives `model` its position and layers of attention, and `follows`: the block that each comes behind."""
    model.position = Position(cfg) if cfg.attention else nn.Identity()
    model.attention = nn.ModuleList(Attention(cfg) for _ in range(cfg.attention))
    model.follows = [
        0 if cfg.blocks == 1 else (number + 1) * cfg.blocks // (cfg.attention + 1) for number in range(cfg.attention)
    ]


def attend(model, block, x, image):
    for number, follows in enumerate(model.follows):
        if follows == block:
            x = model.attention[number](x, image)
    return x


def build(cfg):
    kinds = {
        "pixelcnn": PixelCNN, "pixelsnail": PixelCNN, "gated-pixelcnn": GatedPixelCNN, "mdrnn": Recurrent,
        "diagonal-lstm": Recurrent, "linear-rnn": LinearRNN,
    }
    return kinds[cfg.model](cfg).double()


def ours(name, cfg):
    """The checkpoint's name of a parameter that PyTorch calls `name`."""
    parts = name.replace(".cond.", ".class.").split(".")
    if parts[0] == "skip":
        return ".".join(["head"] + parts)
    if cfg.model == "gated-pixelcnn":
        if parts[0] == "head":
            return ".".join(["head", {"1": "hidden", "3": "logits"}[parts[1]]] + parts[2:])
        words = {"v": "vertical", "vh": "link", "h": "horizontal", "out": "output"}
        return ".".join(parts[:2] + [words[parts[2]]] + parts[3:])
    if parts[0] == "position":
        return ".".join(parts)
    if parts[0] == "attention":
        return ".".join(parts[:2] + [{"out": "output"}.get(parts[2], parts[2])] + parts[3:])
    number = int(parts[0])
    if number == 0:
        return ".".join(["input"] + parts[1:])
    if number == cfg.blocks + 1:
        return ".".join(["head", {"1": "hidden", "3": "logits"}[parts[1]]] + parts[2:])
    if cfg.model in ("pixelcnn", "pixelsnail"):
        words = {"1": "reduce", "3": "conv", "5": "expand"}
        return ".".join([f"blocks.{number - 1}", words[parts[2]]] + parts[3:])
    rest = parts[1:]
    if rest[0] == "out":
        return ".".join([f"layers.{number - 1}.output"] + rest[1:])
    if cfg.model == "linear-rnn":
        direction = ["left", "input"] if rest[0] == "l" else ["right", rest[1]]
        return ".".join([f"layers.{number - 1}"] + direction + rest[1 if rest[0] == "l" else 2 :])
    if rest[0] not in ("l", "r"):
        rest = ["l"] + rest
    direction, kind = {"l": "left", "r": "right"}[rest[0]], {"i": "input", "rec": "state"}.get(rest[1], rest[1])
    return ".".join([f"layers.{number - 1}.{direction}.{kind}"] + rest[2:])


def load_checkpoint(model, cfg, tensors):
    """Fills `model` from a checkpoint's tensors: all of them, each of its shape, zero where the modules mask."""
    left = dict(tensors)
    for name, parameter in model.named_parameters():
        tensor = left.pop(ours(name, cfg))
        assert tensor.shape == parameter.shape, f"{name}: {tuple(tensor.shape)} for {tuple(parameter.shape)}"
        parameter.data = tensor.double()
    assert not left, f"not used: {sorted(left)}"
    for name, module in model.named_modules():
        if isinstance(module, Convolution):
            assert (module.weight[module.mask == 0] == 0).all(), f"{name}: a masked tap is not zero"


# Likelihoods


def nats(model, cfg, levels, classes):
    """-ln p of each image [N]; levels [N, C, H, W] whole numbers, classes [N] or None."""
    levels = {
        "rows": levels, "flipped": levels.flip(3), "upward": levels.flip(2), "reversed": levels.flip(2, 3),
        "columns": levels.transpose(2, 3),
    }[cfg.order]
    one_hot = F.one_hot(classes, len(cfg.classes)).double() if classes is not None else None
    logits = model(levels.double() / (cfg.levels - 1), one_hot)
    count, _, height, width = logits.shape
    if cfg.likelihood == "bernoulli":
        each = F.binary_cross_entropy_with_logits(logits, levels.double(), reduction="none")
    elif cfg.likelihood == "categorical":
        each = logits.reshape(count, cfg.channels, cfg.levels, height, width).log_softmax(2)
        each = -each.gather(2, levels[:, :, None])
    else:
        each = mixture_nats(cfg, logits, levels)
    return each.reshape(count, -1).sum(1)


def mixture_nats(cfg, logits, levels):
    """The discretized mixture of logistics of PixelCNN++, exactly: [N, H, W]."""
    channels, mixtures = cfg.channels, cfg.mixtures
    parts = list(logits.split(mixtures, 1))
    total = parts[0].log_softmax(1)
    coefficients = iter(parts[1 + 2 * channels :])
    x = 2 * levels.double() / (cfg.levels - 1) - 1
    half = 1 / (cfg.levels - 1)
    for channel in range(channels):
        mean, log_scale = parts[1 + 2 * channel], parts[2 + 2 * channel].clamp(min=-7)
        for earlier in range(channel):
            mean = mean + torch.tanh(next(coefficients)) * x[:, earlier : earlier + 1]
        own, level = x[:, channel : channel + 1], levels[:, channel : channel + 1]
        upper = (own + half - mean) * torch.exp(-log_scale)
        lower = (own - half - mean) * torch.exp(-log_scale)
        # ln(sigmoid(u) - sigmoid(v)) = ln(1 - exp(v - u)) + ln sigmoid(u) + ln sigmoid(-v)
        middle = torch.log(-torch.expm1(lower - upper)) + F.logsigmoid(upper) + F.logsigmoid(-lower)
        log = torch.where(level == 0, F.logsigmoid(upper), middle)
        total = total + torch.where(level == cfg.levels - 1, F.logsigmoid(-lower), log)
    return -total.logsumexp(1)
