#!/bin/sh
# Makes the namespace that TEMPORAL_NAMESPACE names, on the cluster at TEMPORAL_ADDRESS, unless it is there, and returns
# when it can be used: a cluster takes some seconds to know a new one everywhere.
set -eu
until temporal operator cluster health; do sleep 1; done
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
until temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE"; do sleep 1; done
