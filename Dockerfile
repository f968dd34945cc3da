# docker build --build-arg VERSION=$(git describe --tags --always) --build-arg COMMIT=$(git rev-parse HEAD) -t portal .
FROM golang:1.26-bookworm AS build
WORKDIR /src
# Dependencies first: they change less often than our sources.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
ARG COMMIT=unknown
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X main.version=$VERSION -X main.commit=$COMMIT" -o /portal ./cmd/portal
# A directory that the program may write; the last image has no shell to make it.
RUN mkdir -p /var/lib/portal

# Certificates and time zones, no shell, no package manager.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /portal /usr/local/bin/portal
COPY --from=build --chown=65532:65532 /var/lib/portal /var/lib/portal
ENV PORTAL_DATA_DIR=/var/lib/portal
VOLUME /var/lib/portal
EXPOSE 8080
# The image holds no PostgreSQL: set DATABASE_URL.
ENTRYPOINT ["/usr/local/bin/portal"]
CMD ["serve"]
