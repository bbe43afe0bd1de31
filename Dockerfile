# Two stages: the first builds a virtual environment, the second is that environment and nothing else of ours.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
WORKDIR /src
# The hot modules are compiled here; --build-arg ACCELERATE=0 leaves the compiler out, and Python plain.
ARG ACCELERATE=1
RUN [ "$ACCELERATE" = 0 ] \
 || { apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev; }
COPY pyproject.toml setup.py README.md LICENSE ./
COPY resolver resolver
COPY zones zones
RUN python -m venv /opt/resolverd \
 && RESOLVER_ACCELERATE=$ACCELERATE /opt/resolverd/bin/pip install --no-cache-dir --disable-pip-version-check . \
 && /opt/resolverd/bin/python -m compileall -q /opt/resolverd \
 && /opt/resolverd/bin/pip uninstall --yes --quiet pip

FROM python:${PYTHON}-slim
COPY --from=build /opt/resolverd /opt/resolverd

# A resolver for the containers beside it: clients in private networks alone, unless RESOLVER_SERVER__ALLOW names others.
# RESOLVER_RESOLVER__ROOTS=simulated serves the simulated internet instead;
# RESOLVER_RESOLVER__FORWARD_ZONES='{".": ["192.0.2.1"]}' asks upstreams. RESOLVER_SERVER__WORKERS=auto uses all the CPUs
# that the container may (docs/workers.md). All settings: docs/configuration.md.
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RESOLVER_SERVER__LISTEN='["0.0.0.0:53", "[::]:53"]' \
    RESOLVER_RESOLVER__ROOTS=internet

# Numeric, so that Kubernetes can check runAsNonRoot. Docker lets any user bind port 53 in a container; elsewhere add
# the capability NET_BIND_SERVICE or the sysctl net.ipv4.ip_unprivileged_port_start=0.
USER 65532:65532
WORKDIR /
EXPOSE 53/udp 53/tcp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/opt/resolverd/bin/resolver", "healthcheck"]
ENTRYPOINT ["/opt/resolverd/bin/resolver"]
CMD ["serve"]
