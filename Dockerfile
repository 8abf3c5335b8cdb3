# The operator's image. BASE needs python3 (>= 3.11) with venv, and ca-certificates.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# Two environments: /opt/pip installs, /opt/knowngood is shipped and holds no installer. Left uncompiled:
# the synchronous client's models, which are never imported.
COPY requirements-build.lock requirements.lock ./
RUN python3 -m venv /opt/pip \
 && python3 -m venv --without-pip /opt/knowngood \
 && /opt/pip/bin/pip install --quiet --require-hashes --only-binary :all: -r requirements-build.lock \
 && /opt/pip/bin/pip --python /opt/knowngood/bin/python install --quiet --no-compile \
      --require-hashes --only-binary :all: -r requirements.lock \
 && find /opt/knowngood -depth \( -type d \( -name tests -o -name test \) -o -name '*_test.py' -o -name '*.pyi' \) \
      -exec rm -rf {} + \
 && find /opt/knowngood/bin -type f -delete \
 && /opt/knowngood/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
      -x 'kubernetes/client/(models|api)/' /opt/knowngood/lib

# The source in a stage of its own, so that a change of it leaves the large layer alone.
FROM dependencies AS source
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
RUN /opt/pip/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /src/dist . \
 && mkdir /opt/source \
 && /opt/pip/bin/pip --python /opt/knowngood/bin/python install --quiet --no-deps --no-compile --no-index \
      --prefix /opt/source /src/dist/*.whl \
 && /opt/knowngood/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/source

FROM ${BASE}
LABEL org.opencontainers.image.title="knowngood" \
      org.opencontainers.image.description="AI incident response for Kubernetes: the operator" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=dependencies /opt/knowngood /opt/knowngood
# USER: kopf asks for the user's name, and 65532 has none in /etc/passwd.
ENV PATH=/opt/knowngood/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp USER=knowngood \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /tmp
EXPOSE 8080
COPY --from=source /opt/source /opt/knowngood
USER 65532:65532
ENTRYPOINT ["knowngood-operator"]
