"""The outside world behind the ports: DynamoDB, SES, SQS, S3, KMS, STS, clock and entropy."""
