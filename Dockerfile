# The image is glibc-based: tree-sitter and SQLite need cgo.
# Pin both bases by digest when you publish an image of your own.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN go build -trimpath -ldflags='-s -w' -o /out/sparktune ./cmd/sparktune

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/sparktune /usr/local/bin/sparktune
# The lake and everything else that sparktune keeps; mount a volume here.
ENV SPARKTUNE_STATE=/var/lib/sparktune
VOLUME /var/lib/sparktune
# distroless's nonroot
USER 65532
ENTRYPOINT ["/usr/local/bin/sparktune"]
