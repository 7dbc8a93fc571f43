"""Asks services of AWS at the endpoint that is its argument; prints who STS says is calling, and what the others said."""
import json
import sys

import boto3
from botocore.exceptions import ClientError

endpoint = sys.argv[1]


def client(service):
    return boto3.client(service, endpoint_url=endpoint)


def said(call, **parameters):
    """The message of the error that the call must end with."""
    try:
        call(**parameters)
    except ClientError as error:
        return error.response["Error"]["Message"]
    return "nothing"


json.dump({
    "sts": client("sts").get_caller_identity()["Arn"],
    "s3": said(client("s3").list_buckets),
    "s3 object": said(client("s3").get_object, Bucket="bucket", Key="key"),
    "dynamodb": said(client("dynamodb").list_tables),
    "lambda": said(client("lambda").list_functions),
    "ec2": said(client("ec2").describe_instances),
    "iam": said(client("iam").list_users),
    "route53": said(client("route53").list_hosted_zones),
    "ecr": said(client("ecr").describe_repositories),
}, sys.stdout)
