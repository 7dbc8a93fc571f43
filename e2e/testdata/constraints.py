"""Breaks every constraint of botocore's own model of the API, one at a time, in every operation; then calls every
operation as somebody who may not.

Arguments are the endpoint, and id and secret of a key that is allowed nothing. The client's validation is off, so that
bad requests travel. What is wrong with an answer goes to stdout, one line each; the last line counts the requests.
openecr has its constraints from tables of its own: this is how the two are compared.
"""
import copy
import sys

import boto3
import botocore
import botocore.exceptions
import botocore.loaders
from botocore.config import Config

endpoint, denied_id, denied_secret = sys.argv[1:]


def client_with(signature_version=None, **credentials):
    return boto3.client("ecr-public", endpoint_url=endpoint, **credentials, config=Config(
        parameter_validation=False, retries={"total_max_attempts": 1}, signature_version=signature_version))


client = client_with()
SAMPLES = {
    "[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+": "sha256:" + 64 * "a",
    "[0-9]{12}": client.describe_registries()["registries"][0]["registryId"],
    "(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*": "constraints",
    "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}": "6cb64b8a-9378-0e33-2ab1-b780fab8a9e9",
}
model = botocore.loaders.create_loader().load_service_model("ecr-public", "service-2")
shapes = model["shapes"]
# What the API has changed since the oldest botocore that this runs with.
shapes["RegistryIdOrAlias"].update(min=2, max=50)
shapes["AboutText"].update(max=25600)
shapes["UsageText"].update(max=25600)
shapes["BatchDeleteImageRequest"]["members"]["registryId"]["shape"] = "RegistryIdOrAlias"


def sample(shape, size=None):
    """A value that keeps all constraints, of that length if the shape has one."""
    size = max(shape.get("min", 0), 1) if size is None else size
    kind = shape["type"]
    if kind == "structure":
        return {name: sample(shapes[member["shape"]]) for name, member in shape["members"].items()}
    if kind == "list":
        return [sample(shapes[shape["member"]["shape"]]) for _ in range(size)]
    if kind in ("long", "integer"):
        return size
    if kind == "boolean":
        return False
    if kind == "blob":
        return b"x" * size
    text = SAMPLES.get(shape.get("pattern"), "x")
    return text if size <= len(text) and "pattern" in shape else "x" * size


def breaches(shape, value, put, path):
    """Yields (what, member, request) with one constraint broken; put makes a request of a value in this place."""
    kind = shape["type"]
    unit = "value" if kind in ("long", "integer") else "length"
    if shape.get("min", 0) > 0 or unit == "value" and "min" in shape:
        least = shape["min"]
        under = least - 1 if unit == "value" else "x" * (least - 1) if kind == "string" else sample(shape, least - 1)
        yield f"{unit} greater than or equal to {least}", path, put(under)
    if "max" in shape:
        yield f"{unit} less than or equal to {shape['max']}", path, put(sample(shape, shape["max"] + 1))
    if "pattern" in shape and shape["pattern"] in SAMPLES:
        yield "must satisfy regular expression", path, put("A B")
    if kind == "structure":
        for name in shape.get("required", ()):
            yield "must not be null", f"{path}.{name}".lstrip("."), put({k: v for k, v in value.items() if k != name})
        for name, member in shape["members"].items():
            inner = lambda v, name=name: put({**value, name: v})
            yield from breaches(shapes[member["shape"]], value[name], inner, f"{path}.{name}".lstrip("."))
            if shapes[member["shape"]]["type"] == "string":
                yield "wrong type", name, put({**value, name: {"a": 1}})
    if kind == "list":
        inner = lambda v: put([v])
        yield from breaches(shapes[shape["member"]["shape"]], value[0], inner, f"{path}.1.member")


def error_of(operation, request, caller=client):
    """The code and message that the operation answers with."""
    try:
        caller._make_api_call(operation, request)
        return "", ""
    except botocore.exceptions.ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return f"{status} {error.response['Error']['Code']}", error.response["Error"]["Message"]


client.create_repository(repositoryName="constraints")
count = 0
for operation, definition in sorted(model["operations"].items()):
    shape = shapes[definition["input"]["shape"]]
    right = sample(shape)
    for what, member, request in breaches(shape, right, copy.deepcopy, ""):
        count += 1
        code, message = error_of(operation, request)
        if what == "wrong type":
            good = code == "400 SerializationException" and member in message
        else:
            good = code == "400 InvalidParameterException" and f"'{member}'" in message and what in message
        if not good:
            print(f"{operation}: {member}: {what}: answer {code!r}: {message[:300]}")

# What a request needs beyond its constraints to come as far as permissions.
RIGHT = {
    "resourceArn": client.describe_repositories()["repositories"][0]["repositoryArn"],
    "policyText": '{"Statement":{"Effect":"Allow","Principal":"*","Action":"*"}}',
    "imageManifest": '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}',
    "partFirstByte": 0,
    "partLastByte": 0,
}
denied = client_with(aws_access_key_id=denied_id, aws_secret_access_key=denied_secret)
anonymous = client_with(signature_version=botocore.UNSIGNED)
for operation, definition in sorted(model["operations"].items()):
    shape = shapes[definition["input"]["shape"]]
    request = {name: RIGHT.get(name, sample(shapes[shape["members"][name]["shape"]])) for name in shape.get("required", ())}
    count += 2
    code, message = error_of(operation, request, denied)
    if code != "400 AccessDeniedException" or f"is not authorized to perform: ecr-public:{operation} on resource: " not in message:
        print(f"{operation} without permission: answer {code!r}: {message[:300]}")
    code, message = error_of(operation, request, anonymous)
    if not code.endswith(" MissingAuthenticationTokenException"):
        print(f"{operation} by nobody: answer {code!r}: {message[:300]}")
print(count)
