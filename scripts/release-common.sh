# Shared by the scripts that publish, which source it at the top of the repository.
# shellcheck shell=bash disable=SC2034
. scripts/common.sh
# Registries require lower case. The tag of a release is its version without the v.
IMAGE_PREFIX=${IMAGE_PREFIX,,} TAG=${TAG#v}
IMAGES=(ticket vacancy operator)
ARCHES=(amd64 arm64)
# Records of a release: a digest for each image, the SBOMs, the chart.
RELEASE_DIR=${RELEASE_DIR:-release}
mkdir -p "$RELEASE_DIR"
need_registry() {
    [[ $IMAGE_PREFIX == */* ]] ||
        lacking "IMAGE_PREFIX=$IMAGE_PREFIX has no registry, as registry.example.com/tickets has"
}
# Prints an image with the digest that images-index recorded.
published() { echo "$IMAGE_PREFIX/$1@$(cat "$RELEASE_DIR/$1.digest")"; }
need_digests() {
    for image in "${IMAGES[@]}"; do
        [ -s "$RELEASE_DIR/$image.digest" ] ||
            lacking "$RELEASE_DIR/$image.digest is missing: 'make images-index'"
    done
}
