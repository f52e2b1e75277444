"""The course's container, Binder and Colab: what can be tested without them."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from fakes import loaded_script

from siamlab.cli import build_parser
from siamlab.course.notebooks import notebook_paths

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
ADDRESS = "https://github.com/somebody/siamlab"


def steps() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, in order."""
    text = (ROOT / "Dockerfile").read_text()
    lines = re.sub(r"^#.*\n", "", text, flags=re.M).replace("\\\n", " ").splitlines()
    return [(kind, " ".join(rest.split())) for kind, rest in (x.split(None, 1) for x in lines if x)]


def arguments(kind: str) -> list[str]:
    return [rest for name, rest in steps() if name == kind]


def readme_command() -> list[str]:
    """The parts of the README's first command: make the environment, install, run."""
    block = re.search(r"<!-- command 1 -->\n```bash\n(.*?)\n```", README, re.S)
    assert block
    return [" ".join(part.replace("\\\n", " ").split()) for part in block[1].split("&&")]


def test_what_the_image_copies_is_in_the_checkout_and_let_through():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for line in arguments("COPY"):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignored, f"{source} is not let through by .dockerignore"
    assert "*" in ignored, "faces in data/ are not sent to the daemon"


def test_what_the_image_copies_is_enough_to_install(tmp_path):
    copied = {source for line in arguments("COPY") for source in line.split()[:-1]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {project["project"]["readme"], "pyproject.toml", "constraints.txt", "LICENSE"} <= copied
    assert all(any(fnmatch(source, package) for source in copied) for package in packages)
    assert notebook_paths()[0].parent.name in copied, "siamlab lab copies them"


def test_the_image_is_installed_and_started_as_the_readme_says():
    make, install, _ = readme_command()
    assert f"{make} && {install}" in arguments("RUN")
    start = json.loads(arguments("CMD")[0])
    assert start[:2] == [".venv/bin/siamlab", "lab"] and "`.venv/bin/siamlab lab`" in README
    options, passed_on = build_parser().parse_known_args(start[1:])
    assert options.command == "lab"
    assert passed_on == ["--ip=0.0.0.0", "--no-browser"], "JupyterLab's"


def test_nobody_in_the_container_is_root_and_the_workspace_is_a_volume():
    names = [name for name, _ in steps()]
    assert arguments("USER") == ["learner"]
    assert names.index("USER") > max(i for i, step in enumerate(steps()) if "pip" in step[1])
    assert names.index("USER") < names.index("VOLUME") < names.index("CMD")
    assert arguments("ENV") == [f"SIAMLAB_DATA={arguments('VOLUME')[0]}"]
    made = shlex.split(arguments("RUN")[-1])
    assert made == ["mkdir", arguments("VOLUME")[0]], "as its user, whom the volume then belongs to"


def test_binder_installs_the_checkout_with_the_pinned_versions():
    folder = ROOT / "binder"
    lines = (folder / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["-c ../constraints.txt", "-e ."]
    assert (folder / "../constraints.txt").is_file(), "from the file's folder, as pip reads it"
    libraries = (folder / "apt.txt").read_text().split()
    assert all(library in arguments("RUN")[0] for library in libraries)
    version = (folder / "runtime.txt").read_text().strip().replace("-", ":")
    assert arguments("FROM") == [f"{version}-slim"]


@pytest.fixture
def badges():
    with loaded_script(ROOT / "scripts" / "badges.py") as module:
        yield module


def test_badges_come_and_go_with_the_setting(badges, tmp_path):
    path = tmp_path / "05_training.ipynb"
    shutil.copy(ROOT / "notebooks" / path.name, path)
    badges.mark_notebook(path, "")
    before = path.read_bytes()
    for _ in range(2):  # a second time changes nothing
        badges.mark_notebook(path, ADDRESS)
        title, badge, install, *rest = json.loads(path.read_text())["cells"]
        assert rest == json.loads(before)["cells"][1:] and title == json.loads(before)["cells"][0]
    target = "/somebody/siamlab/blob/main/notebooks/05_training.ipynb"
    assert f"colab.research.google.com/github{target}" in "".join(badge["source"])
    assert "/gh/somebody/siamlab/main?urlpath=lab/tree/notebooks/05_" in "".join(badge["source"])
    for picture in re.findall(r"\]\(\.\./(figures/[^)]+)\)", "".join(badge["source"])):
        assert (ROOT / picture).is_file()
    source = "".join(install["source"])
    assert f'%pip install -q "siamlab @ git+{ADDRESS}@main"' in source
    # Elsewhere the cell does nothing: no magic is run, no module missed.
    exec(source.replace("%pip", "raise SystemExit #"), {})
    badges.mark_notebook(path, "")
    assert path.read_bytes() == before


def test_the_readmes_badges_come_and_go_too(badges):
    with_badges = badges.mark_readme(README, ADDRESS)
    assert with_badges.splitlines()[2].startswith("[![Open in Colab](figures/badges/colab.svg)]")
    assert badges.mark_readme(with_badges, ADDRESS) == with_badges
    assert badges.mark_readme(with_badges, "") == badges.mark_readme(README, "")


def test_the_checkout_follows_its_setting(badges):
    address = badges.repository()
    assert badges.mark_readme(README, address) == README, "run python scripts/badges.py"
    for path in notebook_paths():
        ids = [cell["id"] for cell in json.loads(path.read_text())["cells"]]
        assert (badges.BADGES in ids) == bool(address), "run python scripts/badges.py"


def test_an_address_of_another_form_is_refused_in_a_line(badges, tmp_path):
    project = tmp_path / "pyproject.toml"
    project.write_text('[tool.siamlab]\nrepository = "github.com/a/b/"\n')
    with pytest.raises(SystemExit, match="expected https://github"):
        badges.repository(project)
