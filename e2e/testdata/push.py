"""Pushes an image by the API alone: endpoint as argument, the image as JSON on stdin, what was answered on stdout."""
import json
import sys

import boto3

endpoint = sys.argv[1]
image = json.load(sys.stdin)
client = boto3.client("ecr-public", endpoint_url=endpoint)
name = image["repository"]


def upload(path):
    """Uploads one blob in parts of the image's part size, and returns the digest that the service computed."""
    started = client.initiate_layer_upload(repositoryName=name)
    first = 0
    with open(path, "rb") as blob:
        while part := blob.read(image["partSize"]):
            answer = client.upload_layer_part(
                repositoryName=name, uploadId=started["uploadId"], layerPartBlob=part,
                partFirstByte=first, partLastByte=first + len(part) - 1)
            first += len(part)
            assert answer["lastByteReceived"] == first - 1, answer
    digest = "sha256:" + path.rsplit("/", 1)[1]
    return client.complete_layer_upload(
        repositoryName=name, uploadId=started["uploadId"], layerDigests=[digest])["layerDigest"]


uploaded = [upload(path) for path in image["blobs"]]
put = client.put_image(
    repositoryName=name, imageManifest=image["manifest"], imageManifestMediaType=image["mediaType"], imageTag=image["tag"])
pages = client.get_paginator("describe_image_tags").paginate(repositoryName=name, PaginationConfig={"PageSize": 1})
tags = [detail["imageTag"] for page in pages for detail in page["imageTagDetails"]]
try:
    client.describe_images(repositoryName=name, imageIds=[{"imageTag": "never-pushed"}])
    missing = None
except client.exceptions.ImageNotFoundException as error:
    missing = error.response["Error"]["Message"]
json.dump({"layerDigests": uploaded, "image": put["image"], "tags": tags, "missing": missing}, sys.stdout)
