{{- define "knowngood.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "knowngood.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "knowngood.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Cluster-wide names carry the namespace: two releases of one name must not share rights. */}}
{{- define "knowngood.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "knowngood.fullname" .) -}}
{{- end -}}

{{- define "knowngood.selectorLabels" -}}
app.kubernetes.io/name: {{ include "knowngood.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "knowngood.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "knowngood.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "knowngood.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "knowngood.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: write the name of an existing ServiceAccount, or set serviceAccount.create" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "knowngood.image" -}}
{{- $repository := required "image.repository: write where the operator's image is, for example registry.example.org/knowngood" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The settings file; operator/knowngood/shell/settings_model.py reads it. */}}
{{- define "knowngood.config" -}}
{{- $http := dict "port" (int .Values.http.port) -}}
{{- $limits := dict "maxConcurrentContainments" (int .Values.limits.maxConcurrentContainments) -}}
{{- $admission := dict -}}
{{- if .Values.admission.enabled }}{{ $_ := set $admission "policy" (include "knowngood.admissionName" (list . "decisions")) }}{{ end -}}
{{- $evidence := dict "maxBudget" .Values.evidence.maxBudget "maxPoints" (int .Values.evidence.maxPoints) -}}
{{- toYaml (dict
      "sources" .Values.sources
      "registries" .Values.registries
      "watch" .Values.watch
      "leaderElection" .Values.leaderElection
      "limits" $limits
      "emergencyStop" .Values.emergencyStop
      "admission" $admission
      "http" $http
      "log" .Values.log
      "cluster" .Values.cluster
      "evidence" $evidence) -}}
{{- end -}}

{{/*
True where Rollouts are watched. Without their definition the API server would refuse what policies with such a parameter match.
*/}}
{{- define "knowngood.rollouts" -}}
{{- if .Values.watch.rollouts -}}
{{- if not (.Capabilities.APIVersions.Has "argoproj.io/v1alpha1/Rollout") -}}
{{- fail "watch.rollouts: true: this cluster has no Rollout of argoproj.io/v1alpha1: install Argo Rollouts first, or write false (to render without a cluster: --api-versions argoproj.io/v1alpha1/Rollout)" -}}
{{- end -}}
true
{{- end -}}
{{- end -}}

{{/* What the operator may do where it watches. No wildcard, no Secrets, no creation of pods or workloads. */}}
{{- define "knowngood.rules" -}}
{{- range .Files.Get "files/rules.yaml" | fromYamlArray }}
{{- /* Without the policy `kept` no ConfigMap is written: RBAC cannot tell the operator's own from others'. */}}
{{- $verbs := .verbs }}
{{- if and (has "configmaps" .resources) (not $.Values.admission.enabled) }}{{ $verbs = list "get" }}{{ end }}
{{- if or (not (has "rollouts" .resources)) (include "knowngood.rollouts" $) }}
- apiGroups: {{ toJson .apiGroups }}
  resources: {{ toJson .resources }}
  verbs: {{ toJson $verbs }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "knowngood.viewerRules" -}}
- apiGroups: [knowngood.dev]
  resources: [modeldeployments, incidentpolicies, playbooks, aiincidents]
  verbs: [get, list, watch]
{{- end -}}
