# A course: JupyterLab on the notebooks, one container for each learner.
# docs/how_to/course_server.md says how to build and start it; tests/test_containers.py reads it.
FROM python:3.12-slim

# What OpenCV's wheel expects of the system.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/siamlab
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY siamlab siamlab
COPY notebooks notebooks
RUN python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt -e .

# Nobody in the container is root, and the checkout is read-only for its user.
RUN useradd --create-home learner
USER learner
ENV SIAMLAB_DATA=/home/learner/workspace
RUN mkdir /home/learner/workspace
VOLUME /home/learner/workspace

EXPOSE 8888
CMD [".venv/bin/siamlab", "lab", "--ip=0.0.0.0", "--no-browser"]
