# jwt-e2e with everything that the target local needs: a run starts no container, fetches nothing and needs no network.
#
#   docker build -t istio-jwt-e2e .
#   docker run --rm --read-only --tmpfs /tmp --network none -v "$PWD:/work" istio-jwt-e2e run policies/ --target local
#
# Every image can be replaced, as behind a mirror; see docs/container.md. The versions are those of kind/versions.yaml.
# It needs nothing that only BuildKit has.

# Registry and folder of the images of Istio
ARG HUB=docker.io/istio
# Registry and folder of the images of Kubernetes
ARG KUBERNETES_HUB=registry.k8s.io
# Version of Istio, of all three images of it
ARG ISTIO=1.31.4
# Version of the Kubernetes API server
ARG KUBERNETES=1.36.2
# Version of etcd, with the number of its image; it belongs to the Kubernetes
# https://github.com/kubernetes/kubernetes/blob/release-1.36/cmd/kubeadm/app/constants/constants.go
ARG ETCD=3.6.8-0
# Image with istiod as /usr/local/bin/pilot-discovery
ARG PILOT_IMAGE=${HUB}/pilot:${ISTIO}
# Image with /usr/local/bin/envoy
ARG PROXY_IMAGE=${HUB}/proxyv2:${ISTIO}
# Image with /usr/local/bin/istioctl, which has the CustomResourceDefinitions of Istio
ARG ISTIOCTL_IMAGE=${HUB}/istioctl:${ISTIO}
# Image with /usr/local/bin/kube-apiserver
ARG KUBE_APISERVER_IMAGE=${KUBERNETES_HUB}/kube-apiserver:v${KUBERNETES}
# Image with /usr/local/bin/etcd
ARG ETCD_IMAGE=${KUBERNETES_HUB}/etcd:${ETCD}
# What runs: Node.js on a Linux with glibc, because Envoy does not run on Alpine Linux
ARG NODE_IMAGE=docker.io/library/node:22-bookworm-slim
# Where the sources are built: Node.js with npm, and with what npm needs to reach its registry
ARG BUILD_IMAGE=docker.io/library/node:22-bookworm-slim

FROM ${PILOT_IMAGE} AS pilot
FROM ${PROXY_IMAGE} AS proxy
FROM ${ISTIOCTL_IMAGE} AS istioctl
FROM ${KUBE_APISERVER_IMAGE} AS kube-apiserver
FROM ${ETCD_IMAGE} AS etcd

FROM ${BUILD_IMAGE} AS build
USER root
COPY --from=pilot /usr/local/bin/pilot-discovery /opt/istio-mesh/
COPY --from=proxy /usr/local/bin/envoy /opt/istio-mesh/
COPY --from=istioctl /usr/local/bin/istioctl /opt/istio-mesh/
COPY --from=kube-apiserver /usr/local/bin/kube-apiserver /opt/istio-mesh/
COPY --from=etcd /usr/local/bin/etcd /opt/istio-mesh/
WORKDIR /src
COPY . .
# What is packed is what would be published. Beside it stand the packages that it needs to run, as the lock file has them.
# One layer, because what the compiler needs is gone again at its end.
RUN npm ci --ignore-scripts --no-audit --no-fund \
    && npm pack --silent --pack-destination /tmp \
    && mkdir -p /opt/jwt-e2e/bin \
    && tar -xzf /tmp/istio-jwt-e2e-*.tgz -C /opt/jwt-e2e --strip-components=1 \
    && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
    && mkdir -p node_modules && mv node_modules /opt/jwt-e2e/ \
    && find /opt/jwt-e2e -regextype posix-extended -regex '.*\.(d\.[cm]?ts|map)' -delete \
    && cd /opt/jwt-e2e && ln -s "../$(node -p 'require("./package.json").bin["jwt-e2e"]')" bin/jwt-e2e \
    && chmod -R a+rX . && chmod a+x bin/jwt-e2e \
    && rm -rf /src/* /tmp/* /root/.npm
# Starts each program, so that images that do not fit together fail here. Of istioctl only Istio's
# CustomResourceDefinitions are kept.
RUN XDG_CACHE_HOME=/tmp/cache /opt/jwt-e2e/bin/jwt-e2e fetch --programs /opt/istio-mesh --no-download --no-build \
    && cp /tmp/cache/istio-jwt-e2e/programs/local/crds-*/crds.yaml /opt/istio-mesh/ \
    && rm -r /tmp/cache /opt/istio-mesh/istioctl && chmod -R a+rX /opt/istio-mesh

FROM ${NODE_IMAGE}
COPY --from=build /opt/istio-mesh /opt/istio-mesh
COPY --from=build /opt/jwt-e2e /opt/jwt-e2e
# Any user will do: nothing but /tmp and the folder of the scenarios is written to.
ENV PATH=/opt/jwt-e2e/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/tmp XDG_CACHE_HOME=/tmp/cache XDG_STATE_HOME=/tmp/state \
    JWT_E2E_PROGRAMS=/opt/istio-mesh JWT_E2E_NO_DOWNLOAD=true JWT_E2E_NO_BUILD=true
LABEL org.opencontainers.image.title="istio-jwt-e2e" \
      org.opencontainers.image.description="Proves on a real mesh that Istio enforces JSON Web Token authentication" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /work
USER 1000:1000
ENTRYPOINT ["jwt-e2e"]
CMD ["--help"]
