{{- define "openecr.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "openecr.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "openecr.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "openecr.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "openecr.selector" -}}
app.kubernetes.io/name: {{ include "openecr.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "openecr.labels" -}}
{{ include "openecr.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "openecr.secret" -}}
{{- .Values.secret.existing | default (include "openecr.fullname" .) }}
{{- end }}

{{- define "openecr.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "openecr.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{/* Mistakes that a schema cannot see, each as one sentence. */}}
{{- define "openecr.check" -}}
{{- $given := .Values.secret.env }}
{{- if not .Values.publicURL }}
{{- fail "publicURL is empty: set it to the address that clients use, such as https://registry.example.com" }}
{{- end }}
{{- if and .Values.secret.existing $given }}
{{- fail "secret.existing and secret.env are both set: give one of them" }}
{{- end }}
{{- if not .Values.secret.existing }}
{{- if not (get $given "OPENECR_MASTER_KEY") }}
{{- fail "there is no master key: set secret.existing, or secret.env.OPENECR_MASTER_KEY to the output of `openssl rand -base64 32`" }}
{{- end }}
{{- if and (eq .Values.mode "fleet") (not (get $given "OPENECR_METADATA")) }}
{{- fail "a fleet needs PostgreSQL: set secret.existing, or secret.env.OPENECR_METADATA to postgres://USER:PASSWORD@HOST/DATABASE" }}
{{- end }}
{{- end }}
{{- if and (eq .Values.mode "fleet") (not .Values.blobs) }}
{{- fail "a fleet needs S3: set blobs to s3://BUCKET" }}
{{- end }}
{{- if and (eq .Values.mode "single") .Values.blobs }}
{{- fail "blobs is for mode fleet: a single node keeps layers in its volume" }}
{{- end }}
{{- if and (eq .Values.mode "single") .Values.autoscaling.enabled }}
{{- fail "autoscaling is for mode fleet: a single node is one" }}
{{- end }}
{{- end }}
