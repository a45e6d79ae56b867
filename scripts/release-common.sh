# Shared by the scripts that publish; read with `. scripts/release-common.sh` at the top of the repository.
# shellcheck shell=bash disable=SC2034
. scripts/common.sh
# Registries want lower case, and a release's tag is its version without the v.
IMAGE_PREFIX=${IMAGE_PREFIX,,} TAG=${TAG#v}
IMAGES=(ticket vacancy operator)
ARCHES=(amd64 arm64)
# What is published is written down here: a digest for each image, the SBOMs, the chart.
RELEASE_DIR=${RELEASE_DIR:-release}
mkdir -p "$RELEASE_DIR"
need_registry() { [[ $IMAGE_PREFIX == */* ]] || lacking "IMAGE_PREFIX=$IMAGE_PREFIX names no registry: IMAGE_PREFIX=registry.example.com/tickets"; }
# An image by its digest, as images-index wrote it down.
published() { echo "$IMAGE_PREFIX/$1@$(cat "$RELEASE_DIR/$1.digest")"; }
need_digests() { for image in "${IMAGES[@]}"; do [ -s "$RELEASE_DIR/$image.digest" ] || lacking "$RELEASE_DIR/$image.digest is missing: 'make images-index'"; done; }
