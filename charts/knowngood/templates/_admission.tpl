{{/* The policy's and its binding's name: (list . "decisions"). No colon: these names are DNS subdomains. */}}
{{- define "knowngood.admissionName" -}}
{{- $root := index . 0 -}}
{{- printf "%s.%s.%s" $root.Release.Namespace (include "knowngood.fullname" $root) (index . 1) -}}
{{- end -}}

{{- define "knowngood.operatorUser" -}}
{{- printf "system:serviceaccount:%s:%s" .Release.Namespace (include "knowngood.serviceAccountName" .) -}}
{{- end -}}

{{/* True for requests of the operator's own account. */}}
{{- define "knowngood.cel.byOperator" -}}
request.userInfo.username == '{{ include "knowngood.operatorUser" . }}'
{{- end -}}

{{/* True where whoever sends the request may patch the workload of that reference. */}}
{{- define "knowngood.cel.mayPatch" -}}
authorizer.group({{ . }}.kind == 'Rollout' ? 'argoproj.io' : 'apps').resource({{ . }}.kind == 'Rollout' ? 'rollouts' : {{ . }}.kind == 'StatefulSet' ? 'statefulsets' : 'deployments').namespace(request.namespace).name({{ . }}.name).check('patch').allowed()
{{- end -}}

{{/* The ConfigMaps of the request's namespace, to be asked what the requester may do with them; and its Services. */}}
{{- define "knowngood.cel.configMaps" -}}
authorizer.group('').resource('configmaps').namespace(request.namespace)
{{- end -}}

{{- define "knowngood.cel.services" -}}
authorizer.group('').resource('services').namespace(request.namespace)
{{- end -}}

{{/* Containers and init containers of a workload's template; their names differ: "oldObject". A Rollout may have no template. */}}
{{- define "knowngood.cel.containers" -}}
({{ . }}.spec.?template.?spec.?containers.orValue([]) + {{ . }}.spec.?template.?spec.?initContainers.orValue([]))
{{- end -}}

{{/* The images of a workload's template, init containers too: "oldObject". */}}
{{- define "knowngood.cel.images" -}}
{{ include "knowngood.cel.containers" . }}.map(c, c.image)
{{- end -}}

{{/* True for requests in a namespace that this operator watches. */}}
{{- define "knowngood.cel.watched" -}}
{{- with .Values.watch.namespaces }}request.namespace in {{ . | uniq | toJson | replace "\"" "'" }}{{ else }}true{{ end -}}
{{- end -}}

{{/*
The keys that differ between two maps: (list "object.spec" "oldObject.spec" "['template']"), the last being keys that may
differ. It goes over what is there and not over a list of fields, so that a field of a later Kubernetes is not free.
dyn, because a typed object is no map to the checker; at run time it is one.
*/}}
{{- define "knowngood.cel.changedKeys" -}}
{{- $new := index . 0 }}{{ $old := index . 1 }}{{ $free := index . 2 -}}
(dyn({{ $new }}).map(k, k) + dyn({{ $old }}).map(k, k).filter(k, !(k in dyn({{ $new }})))).filter(k, !(k in {{ $free }}) && dyn({{ $new }})[?k] != dyn({{ $old }})[?k])
{{- end -}}

{{/* The annotations that differ between object and oldObject and are not Knowngood's own. */}}
{{- define "knowngood.cel.changedAnnotations" -}}
(object.metadata.?annotations.orValue({}).map(k, k) + oldObject.metadata.?annotations.orValue({}).map(k, k).filter(k, !(k in object.metadata.?annotations.orValue({})))).filter(k, !k.startsWith('knowngood.dev/') && object.metadata.?annotations.orValue({})[?k] != oldObject.metadata.?annotations.orValue({})[?k])
{{- end -}}

{{/* What a pin took away, container by container, as the operator wrote it down and the policy workloads checked. */}}
{{- define "knowngood.cel.replaced" -}}
oldObject.metadata.?annotations[?'knowngood.dev/replaced'].orValue('').split(',')
{{- end -}}

{{/* A value as an annotation notes it: entries are told apart by commas. */}}
{{- define "knowngood.cel.escaped" -}}
({{ . }}).replace('%', '%25').replace(',', '%2C')
{{- end -}}

{{/* The entries that an annotation noted before this request, as a list: "replaced-flags". */}}
{{- define "knowngood.cel.noted" -}}
oldObject.metadata.?annotations[?'knowngood.dev/{{ . }}'].orValue('').split(',')
{{- end -}}

{{/* A map as an annotation notes it, entry by entry: "oldObject.spec.selector". */}}
{{- define "knowngood.cel.entries" -}}
({{ . }}).map(k, k + '=' + {{ include "knowngood.cel.escaped" (printf "(%s)[k]" .) }})
{{- end -}}

{{/*
True where a Service gets a selector that is neither what was noted in it before nor that, or the one that it has, with more asked
for, by keys that are Kubernetes' or ours.
*/}}
{{- define "knowngood.cel.ledElsewhere" -}}
{{- $new := "object.spec.?selector.orValue({})" }}{{ $old := "oldObject.spec.?selector.orValue({})" -}}
{{ $new }} != {{ $old }} && !({{ include "knowngood.cel.noted" "replaced-selector" }}.all(entry, entry in {{ include "knowngood.cel.entries" $new }}) && {{ include "knowngood.cel.entries" $new }}.all(entry, entry in {{ include "knowngood.cel.noted" "replaced-selector" }} || entry.split('=')[0] in ['pod-template-hash', 'knowngood.dev/withheld'])) && !({{ $old }}.size() > 0 && {{ $old }}.all(k, k in {{ $new }} && {{ $old }}[k] == {{ $new }}[k]) && {{ $new }}.all(k, k in {{ $old }} || k in ['pod-template-hash', 'knowngood.dev/withheld']))
{{- end -}}

{{/* True where each entry that the annotation gains is one of a list: (list "replaced-flags" "variables.taken"). */}}
{{- define "knowngood.cel.notedEach" -}}
object.metadata.?annotations[?'knowngood.dev/{{ index . 0 }}'].orValue('').split(',').all(entry, entry == '' || entry in {{ include "knowngood.cel.noted" (index . 0) }} || entry in {{ index . 1 }})
{{- end -}}

{{/* True where that annotation is as before, gone, or says what the object was: (list "replaced" "<expression>"). */}}
{{- define "knowngood.cel.notedWhole" -}}
{{- $key := printf "knowngood.dev/%s" (index . 0) -}}
!object.metadata.?annotations[?'{{ $key }}'].hasValue() || object.metadata.?annotations[?'{{ $key }}'] == oldObject.metadata.?annotations[?'{{ $key }}'] || object.metadata.annotations['{{ $key }}'] == {{ index . 1 }}
{{- end -}}

{{/* Metadata that an update by the operator may not touch; the API server keeps generation and managedFields itself. */}}
{{- define "knowngood.cel.changedMetadata" -}}
{{ include "knowngood.cel.changedKeys" (list "object.metadata" "oldObject.metadata" "['annotations', 'generation', 'managedFields', 'resourceVersion']") }}
{{- end -}}

{{/* The releases that a write of a ModelDeployment's status newly marks as proven: not the very entries proven before. */}}
{{- define "knowngood.cel.proofs" -}}
object.?status.?releases.orValue([]).filter(r, has(r.provenAt) && !oldObject.?status.?releases.orValue([]).exists(o, o.digest == r.digest && has(o.provenAt) && o.?containers == r.?containers))
{{- end -}}

{{/* The kinds that may be workloads, by kind: their plural and API version. */}}
{{- define "knowngood.admission.kinds" -}}
Deployment: {plural: deployments, apiVersion: apps/v1}
StatefulSet: {plural: statefulsets, apiVersion: apps/v1}
{{- if include "knowngood.rollouts" . }}
Rollout: {plural: rollouts, apiVersion: argoproj.io/v1alpha1}
{{- end }}
{{- end -}}

{{/* A policy's rule for Rollouts, where they are watched: dict "root" . "operations" "UPDATE", "all" true with subresources. */}}
{{- define "knowngood.admission.rollouts" -}}
{{- if include "knowngood.rollouts" .root -}}
- apiGroups: [argoproj.io]
  apiVersions: ["*"]
  operations: [{{ .operations }}]
  resources: [rollouts{{ if .all }}, rollouts/*{{ end }}]
{{- end -}}
{{- end -}}

{{/* The policy's head: (list . "decisions"). */}}
{{- define "knowngood.admission.metadata" -}}
name: {{ include "knowngood.admissionName" . }}
labels:
  {{- include "knowngood.labels" (index . 0) | nindent 2 }}
{{- end -}}

{{/* For what stays when the chart is uninstalled, as the definitions do. */}}
{{- define "knowngood.admission.outliving" -}}
{{- if .Values.crds.keep -}}
annotations:
  helm.sh/resource-policy: keep
{{- end -}}
{{- end -}}

{{/*
Workloads whose owner consents, for policies that ask for ModelDeployments: where that definition is missing, such a policy
refuses what it matches, whoever sends it.
*/}}
{{- define "knowngood.admission.consenting" -}}
objectSelector:
  matchExpressions:
    - {key: knowngood.dev/model, operator: Exists}
{{- end -}}

{{/*
The policy's binding: dict "root" . "name" "decisions", "watched" true where it is bound to the watched namespaces, and
"params" true where the policy looks at every parameter of the request's namespace. Where there is none the policy passes:
Deny would refuse the writes of everybody, because it is decided before any match condition is looked at.
*/}}
{{- define "knowngood.admission.binding" -}}
{{- $root := .root -}}
apiVersion: admissionregistration.k8s.io/v1
kind: {{ default "ValidatingAdmissionPolicy" .kind }}Binding
metadata:
  {{- include "knowngood.admission.metadata" (list $root .name) | nindent 2 }}
spec:
  policyName: {{ include "knowngood.admissionName" (list $root .name) }}
  {{- if not .kind }}
  validationActions: [Deny]
  {{- end }}
  {{- if .params }}
  paramRef:
    selector: {}
    parameterNotFoundAction: Allow
  {{- end }}
  {{- with and .watched $root.Values.watch.namespaces }}
  matchResources:
    namespaceSelector:
      matchExpressions:
        - {key: kubernetes.io/metadata.name, operator: In, values: {{ . | uniq | toJson }}}
  {{- end }}
{{- end -}}

{{/* Whether this API server has the policies that tell a ModelDeployment that is not there from one that is. */}}
{{- define "knowngood.admission.mutating" -}}
{{- if .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy" }}true{{ end -}}
{{- end -}}

{{/* The names of all validating policies that the chart makes. */}}
{{- define "knowngood.admission.concerns" -}}
[workloads, pins, resources, proofs-deployments, proofs-statefulsets, {{ if include "knowngood.rollouts" . }}proofs-rollouts, {{ end }}incidents, decisions, fixes, references, kept, flags, flag-values, services, routes, quarantine, pods, cutoffs, jobs]
{{- end -}}
