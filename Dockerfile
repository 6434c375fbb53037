# The page in a container: no root, a read-only file system, no network at run time. How: docs/hosting.md.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS packages
COPY requirements.txt /
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --no-input -r /requirements.txt

FROM python:${PYTHON}-slim
COPY --from=packages /venv /venv
WORKDIR /app
COPY app.py LICENSE README.md ./
COPY explain explain
COPY study study
COPY page page
COPY training training
COPY examples examples
COPY evidence evidence
COPY weights weights
# What would be compiled while it runs, as nothing can be written then
RUN python -m compileall -q . && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin minds
USER 10001
ENV HOME=/tmp KERAS_HOME=/tmp/keras MPLCONFIGDIR=/tmp/matplotlib HF_HUB_OFFLINE=1 \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2 TWO_MINDS_LOG=json \
    GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860
EXPOSE 7860
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["/venv/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
ENTRYPOINT ["/venv/bin/python", "app.py"]
