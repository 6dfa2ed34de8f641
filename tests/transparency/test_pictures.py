"""The table of pictures, where its libraries are installed."""

import io

import pytest
from matplotlib.figure import Figure

import provenance as p
from transparency.runner import assert_as_known


def test_cases_differ_only_where_it_is_known():
    """Results give what plain values give, at top level and inside functions, except in the listed cases."""
    assert_as_known("pictures")


def draw(n):
    """Return a figure with a line."""
    figure = Figure()
    figure.add_subplot().plot(range(n))
    return figure


@pytest.mark.parametrize("part", [lambda it: it, lambda it: it.axes, lambda it: it.axes[0].lines])
def test_a_figure_is_refused_with_advice(part, memory_repo):
    """Drawing changes it, so that it has no hash; the error says what to return, and holds the figure."""
    with pytest.raises(
        p.UnserializableValueError, match=r"return its data, or .* `savefig`"
    ) as caught:
        p.provenance(name="plot")(lambda n: part(draw(n)))(3)
    assert caught.value.value is not None
    with pytest.raises(p.UnhashableValueError, match="drawing it changes it"):
        p.hash(draw(3))


def test_the_picture_of_a_figure_is_stored(memory_repo):
    """As the bytes of a file, which another call reads."""

    @p.provenance()
    def picture(n):
        file = io.BytesIO()
        draw(n).savefig(file, format="png")
        return file.getvalue()

    made = p.unwrap(picture(3))
    assert made == picture(3)
    assert made.startswith(b"\x89PNG")
