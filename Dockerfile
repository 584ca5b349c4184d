# One image for every process of ours; which of them a container is, its command says.
FROM python:3.13-slim AS build
WORKDIR /src
# What builds and tests, for this stage alone.
COPY requirements.txt ./
RUN python -m venv /opt/build && /opt/build/bin/python -m pip install --no-cache-dir --require-hashes -r requirements.txt
# What runs.
COPY requirements-server.txt ./
RUN python -m venv /opt/interlock \
 && /opt/interlock/bin/python -m pip install --no-cache-dir --require-hashes -r requirements-server.txt
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY interlock ./interlock
RUN /opt/build/bin/python -m build --wheel --no-isolation --outdir /dist . \
 && /opt/interlock/bin/python -m pip install --no-cache-dir --no-deps /dist/interlock-*.whl

FROM python:3.13-slim
# Not root, and always the same number, so that a volume's files belong to whoever reads them.
RUN useradd --uid 10001 --user-group --no-create-home interlock \
 && install --directory --owner=interlock --group=interlock --mode=0700 /var/lib/interlock
COPY --from=build /opt/interlock /opt/interlock
ENV PATH=/opt/interlock/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER interlock
WORKDIR /var/lib/interlock
CMD ["interlock", "--help"]
