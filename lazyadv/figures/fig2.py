"""Figure 2: the step that flips a prediction, against the deviation that is allowed. No claim rests on it."""

from matplotlib.figure import Figure

from lazyadv.findings import style
from lazyadv.results.table import Selection


def draw(shown: Selection) -> Figure:
    """The step δ and η = δ/‖∇f‖ against the allowed deviation C0, a line per width; C0 = 0 is untrained.

    Both as the protocol reports them: under `released` a misclassified example counts as 0.
    """
    rows = shown.rows
    figure, ((step, rate),) = style.panels(2)
    for axes, column in ((step, "delta_mean"), (rate, "eta_mean")):
        for (width, size), group in rows.groupby(["width", "size"]):
            look = style.width_look(width, rows["width"])
            label = f"m = {width}" + (f", d = {size**2}" if rows["size"].nunique() > 1 else "")
            style.line(axes, group, "C0", column, **look, label=label)
        axes.set_xlabel("allowed deviation $C_0$ (radius $C_0/\\sqrt{m}$)")
        axes.set_ylim(bottom=0)
        axes.legend()
    step.set_ylabel("step δ, as the protocol reports it")
    rate.set_ylabel("η = δ / ‖∇f‖")
    style.caption(figure, shown)
    return figure
