"""Write a preset's results as one page of HTML, from the records that are here; train nothing."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lazyadv.files import replacing
from lazyadv.report.page import Report
from lazyadv.workflow import command, provenance
from lazyadv.workflow.pipeline import Pipeline


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--preset", help="a preset of params.yaml; by default the one that params.yaml names")
    args = parser.parse_args()
    made = Pipeline.load("params.yaml", args.preset)
    out = Path("results", made.preset_name, "report.html")
    page = Report(made, made.preset_name).render(provenance.commit())
    with replacing(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    print(out)


if __name__ == "__main__":
    command.run(main)
