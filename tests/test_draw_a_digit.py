"""The pixels of a drawing, in Python and in a browser, and what the network reads in them."""

import dataclasses
import re
from itertools import pairwise

import numpy as np
import pytest

from sknumpy_mlp import ScratchMLPClassifier

from .common import script
from .pages import contrasts
from .strokes import DRAWINGS, points

example = script("draw_a_digit")
FRAMES = [example.DIGITS, example.MNIST]
WIDTHS, SCHEMES = [390, 1280], ["light", "dark"]


@pytest.fixture(scope="module")
def trained():
    """A network as the example trains it, and its data."""
    X_train, X_test, y_train, y_test, frame = example.load_data()
    return example.train(X_train, y_train, frame), X_test, y_test


@pytest.fixture(scope="module")
def written(trained, tmp_path_factory):
    """The page, as a file."""
    file = tmp_path_factory.mktemp("page") / "draw_a_digit.html"
    network, X, y = trained
    file.write_text(example.page(network, example.DIGITS, X, y), encoding="utf-8")
    return file


def random_ink(seed):
    """A few thick lines on a bitmap that is not square."""
    random = np.random.RandomState(seed)
    ink = np.zeros((60, 75), bool)
    for _ in range(3):
        side = example.drawn(random.uniform(0.1, 0.9, (3, 2)), random.uniform(1, 5), side=60)
        ink[:, :60] |= side
    return ink


# ---- in Python ----


class TestCentred:
    def test_a_bitmap_that_fills_the_frame_is_counted_in_blocks_as_the_data_were(self):
        bitmap = np.zeros((32, 32), bool)
        bitmap[:, 3:29] = np.random.RandomState(0).uniform(size=(32, 26)) < 0.5
        bitmap[[0, 31], [3, 28]] = True
        counts = bitmap.reshape(8, 4, 8, 4).sum(axis=(1, 3))
        np.testing.assert_array_equal(16 * example.centred(bitmap, example.DIGITS), counts)

    @pytest.mark.parametrize("frame", FRAMES, ids=["digits", "mnist"])
    def test_the_place_and_the_size_of_a_drawing_do_not_matter(self, frame):
        ink = random_ink(0)
        wide = np.zeros((200, 190), bool)
        wide[70 : 70 + 60, 91 : 91 + 75] = ink
        one = example.centred(ink, frame)
        np.testing.assert_array_equal(example.centred(wide, frame), one)
        np.testing.assert_allclose(
            example.centred(np.kron(ink, np.ones((4, 4))), frame), one, rtol=0, atol=4 / 16
        )

    def test_mnist_has_its_centre_of_mass_in_the_middle(self):
        pixels = example.centred(random_ink(1), example.MNIST)
        places = np.arange(28) + 0.5
        for axis in (0, 1):
            mean = pixels.sum(axis=1 - axis) @ places / pixels.sum()
            assert abs(mean - 14) < 0.1

    @pytest.mark.parametrize("frame", FRAMES, ids=["digits", "mnist"])
    def test_without_ink_all_pixels_are_zero(self, frame):
        assert not example.centred(np.zeros((5, 7)), frame).any()


class TestImages:
    @pytest.fixture
    def shades(self):
        """A drawn 5 on paper with a shadow and a speck, as gray values, and its ink."""
        strokes = [points(stroke) for stroke in DRAWINGS["5"][1]]
        ink = np.any([example.drawn(each, 16, side=240) for each in strokes], axis=0)
        paper = np.add.outer(np.linspace(230, 150, 240), np.linspace(10, -30, 240))
        gray = np.where(ink, paper - 110, paper) + np.random.RandomState(0).normal(0, 3, ink.shape)
        gray[3:7, 5:9] = 40
        return np.clip(gray, 0, 255).astype(np.uint8), ink

    @pytest.mark.parametrize("name", ["photo.png", "photo.jpg", "negative.png"])
    def test_a_photo_is_read_like_the_drawing_in_it(self, name, shades, trained, tmp_path):
        Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
        gray, ink = shades
        Image.fromarray(255 - gray if "negative" in name else gray).save(tmp_path / name)
        pixels = example.pixels_of_image(tmp_path / name, example.DIGITS)
        # A few of the 16 points of a pixel lie on the edge of a stroke.
        np.testing.assert_allclose(
            pixels, example.centred(ink, example.DIGITS), rtol=0, atol=5 / 16
        )
        assert trained[0].predict(pixels.reshape(1, -1)) == 5

    def test_what_is_transparent_is_paper(self, shades, tmp_path):
        Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
        _, ink = shades
        rgba = np.zeros((*ink.shape, 4), np.uint8)
        rgba[..., 3] = 255 * ink
        Image.fromarray(rgba).save(tmp_path / "five.png")
        pixels = example.pixels_of_image(tmp_path / "five.png", example.DIGITS)
        np.testing.assert_array_equal(pixels, example.centred(ink, example.DIGITS))

    def test_an_image_without_a_digit_is_refused_by_its_name(self, tmp_path):
        Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
        Image.new("L", (50, 50), 200).save(tmp_path / "empty.png")
        with pytest.raises(ValueError, match=r"empty\.png must show a digit"):
            example.pixels_of_image(tmp_path / "empty.png", example.DIGITS)


class TestNetwork:
    def test_held_out_digits_are_recognized(self, trained):
        network, X, y = trained
        assert network.score(X, y) > 0.97

    def test_its_weights_are_numbers_of_float32(self, trained):
        for array in (*trained[0].coefs_, *trained[0].intercepts_):
            assert array.dtype == np.float64
            np.testing.assert_array_equal(array, array.astype(np.float32))

    def test_a_network_for_mnist_fits_into_a_page(self):
        network = random_network("relu", 784, (32, 32))
        X, y = np.zeros((10, 784)), np.arange(10)
        assert len(example.page(network, example.MNIST, X, y).encode()) < 200_000


def test_the_page_is_small_and_fetches_nothing(written):
    text = written.read_text(encoding="utf-8")
    assert len(text.encode()) < 200_000
    assert "{{" not in text
    assert not re.search(r"https?://|src=|@import|url\(", text)
    # The browser itself would refuse.
    assert "default-src 'none'" in text


# ---- in a browser ----


def random_network(activation, n_inputs=64, hidden=(20, 12)):
    random = np.random.RandomState(0)
    sizes = [n_inputs, *hidden, 10]
    coefs = [random.normal(0, 0.4, pair).astype(np.float32) for pair in pairwise(sizes)]
    intercepts = [random.normal(0, 0.4, size).astype(np.float32) for size in sizes[1:]]
    network = ScratchMLPClassifier.from_weights(
        coefs, intercepts, np.arange(10), activation=activation
    )
    return example.rounded(network)


@pytest.fixture
def opened(browser, written):
    """A function that opens the page, or another file; at the end nothing must have failed."""
    contexts, failures = [], []

    def new(file=written, width=1280, **options):
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda said: failures.append(said.text))
        page.on("request", lambda sent: failures.append(sent.url))
        failures.clear()
        page.goto(file.as_uri())
        assert failures == [file.as_uri()]
        failures.clear()
        return page

    yield new
    for context in contexts:
        context.close()
    assert not failures


def draw(page, strokes):
    """Move the mouse along the strokes, pressed."""
    box = page.locator("#board").bounding_box()
    for stroke in strokes:
        places = [
            (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points(stroke)
        ]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=3)
        page.mouse.up()


def reported(page):
    """What the page says of its drawing: ink, pixels and the outputs of all layers."""
    found = page.evaluate(
        "({ink: Array.from(ink), side: SIDE, pixels: Array.from(state.pixels),"
        " outputs: state.outputs.map((each) => Array.from(each))})"
    )
    ink = np.array(found["ink"]).reshape(found["side"], -1)
    return ink, np.array(found["pixels"]), [np.array(each) for each in found["outputs"]]


class TestBrowser:
    def test_drawn_digits_are_recognized_with_the_probabilities_of_predict_proba(
        self, opened, trained
    ):
        page = opened()
        for name, (digit, strokes) in DRAWINGS.items():
            page.click("#clear")
            draw(page, strokes)
            ink, pixels, outputs = reported(page)
            np.testing.assert_array_equal(pixels, example.centred(ink, example.DIGITS).ravel())
            (expected,) = trained[0].predict_proba(pixels.reshape(1, -1))
            np.testing.assert_allclose(outputs[-1], expected, rtol=0, atol=1e-6)
            assert outputs[-1].argmax() == digit, name
            shown = page.inner_text(f"#number-{digit}").removesuffix("%")
            assert float(shown) == pytest.approx(100 * expected[digit], abs=0.06)
            assert page.inner_text("#answer").startswith(f"It reads {digit} (")

    @pytest.mark.parametrize("activation", example.ACTIVATIONS)
    def test_every_layer_agrees_with_the_network_for_every_activation(
        self, activation, opened, tmp_path
    ):
        network = random_network(activation)
        X = np.random.RandomState(1).uniform(0, 1, (10, 64))
        file = tmp_path / "page.html"
        file.write_text(example.page(network, example.DIGITS, X, np.arange(10)), encoding="utf-8")
        page = opened(file)
        page.evaluate("(pixels) => read(Float64Array.from(pixels))", X[0].tolist())
        _, pixels, outputs = reported(page)
        (expected,) = network.predict_proba(pixels.reshape(1, -1))
        np.testing.assert_allclose(outputs[-1], expected, rtol=0, atol=1e-12)
        # Without its last layers, the same network gives the output of a hidden layer.
        for depth in (1, 2):
            head = ScratchMLPClassifier.from_weights(
                [*network.coefs_[:depth], np.eye(len(network.intercepts_[depth - 1]))],
                [*network.intercepts_[:depth], np.zeros(len(network.intercepts_[depth - 1]))],
                np.arange(len(network.intercepts_[depth - 1])),
                activation=activation,
            )
            (hidden,) = head.decision_function(pixels.reshape(1, -1))
            np.testing.assert_allclose(outputs[depth], hidden, rtol=0, atol=1e-12)

    @pytest.mark.parametrize("frame", FRAMES, ids=["digits", "mnist"])
    def test_centring_is_the_same_in_both_languages(self, frame, opened):
        page = opened()
        for seed in range(20):
            ink = random_ink(seed)
            call = "([ink, rows, columns, frame]) => Array.from(centred(ink, rows, columns, frame))"
            arguments = [ink.ravel().astype(int).tolist(), *ink.shape, dataclasses.asdict(frame)]
            found = page.evaluate(call, arguments)
            np.testing.assert_array_equal(found, example.centred(ink, frame).ravel())

    def test_a_finger_draws_without_scrolling_the_page(self, opened):
        page = opened(width=390, has_touch=True, is_mobile=True)
        touch = page.context.new_cdp_session(page)
        box = page.locator("#board").bounding_box()
        strokes = [points(stroke) for stroke in DRAWINGS["3"][1]]
        for number, (x, y) in enumerate(strokes[0]):
            place = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
            kind = "touchMove" if number else "touchStart"
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert reported(page)[-1][-1].argmax() == 3
        assert page.evaluate("scrollY") == 0

    def test_the_keyboard_reaches_clear_and_an_example(self, opened, trained):
        page = opened()
        draw(page, DRAWINGS["3"][1])
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "clear"
        page.keyboard.press("Enter")
        ink, pixels, _ = reported(page)
        assert not ink.any() and not pixels.any()
        assert page.inner_text("#answer") == "Draw a digit from 0 to 9."
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        _, X, y = trained
        _, pixels, outputs = reported(page)
        np.testing.assert_allclose(pixels, X[np.flatnonzero(y == 0)[0]], rtol=0, atol=0.5 / 255)
        assert outputs[-1].argmax() == 0
        # The next stroke begins a new drawing.
        draw(page, DRAWINGS["1, a single stroke"][1])
        assert reported(page)[-1][-1].argmax() == 1

    @pytest.mark.parametrize("scheme", SCHEMES)
    @pytest.mark.parametrize("width", WIDTHS)
    def test_it_is_legible_on_a_phone_and_on_a_desk_by_day_and_by_night(
        self, width, scheme, opened
    ):
        page = opened(width=width, color_scheme=scheme)
        draw(page, DRAWINGS["3"][1])
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for canvas in page.locator("canvas").all():
            assert canvas.get_attribute("role") == "img"
            assert len(canvas.get_attribute("aria-label")) > 10
        for button in page.locator("button").all():
            assert button.inner_text().strip()
            assert button.bounding_box()["height"] >= 44
        # Shown for other activations only.
        page.evaluate("document.getElementById('negative').hidden = false")
        found = contrasts(page)
        assert found["texts"] > 20
        assert not found["low"]
