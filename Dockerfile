# The image of every command. Not built in this project's own checks, which have no container engine. Its steps were run by
# hand outside one (npm ci and npm sbom without development packages, tsc -p tsconfig.build.json, vite build), and dist from
# bin/portcullis as user 10001 without any capability on a read-only file system: ready, healthy, drained by SIGTERM.
FROM node:24.21-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# The optional packages are Node itself, which this image has already.
RUN npm ci --ignore-scripts --omit=dev --omit=optional --no-audit --no-fund \
  && npm sbom --package-lock-only --omit=dev --omit=optional --sbom-format=cyclonedx > sbom.cdx.json

FROM node:24.21-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY dashboard ./dashboard
RUN npx --no-install tsc -p tsconfig.build.json && npx --no-install vite build --config dashboard/vite.config.ts

# The identity service and the shop of docker-compose.yml, with the development packages. Not part of the product's image.
FROM build AS examples
COPY examples ./examples
USER 10001:10001
STOPSIGNAL SIGTERM

FROM node:24.21-bookworm-slim
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# What is in it besides Node and Debian: docker run --rm --entrypoint cat portcullis /app/sbom.cdx.json
COPY --from=packages /app/sbom.cdx.json ./
COPY package.json ./
COPY proto ./proto
COPY bin ./bin
# Owns nothing here, so it cannot change what it runs.
USER 10001:10001
ENV NODE_ENV=production
# 9001 gRPC for Envoy, 9002 health and metrics, 9003 the control API (`control` and `dev` only).
EXPOSE 9001 9002 9003
# SIGTERM drains: give it `drain.delay` + `drain.timeout` (11 s by default) before it is killed.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=2s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9002/readyz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/app/bin/portcullis"]
CMD ["serve", "--config", "/etc/portcullis/portcullis.yaml"]
