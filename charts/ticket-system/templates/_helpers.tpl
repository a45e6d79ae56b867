{{/* The operator's name. */}}
{{- define "ticket-system.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $base := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- printf "%s-operator" ($base | trunc 43 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{/* Name of cluster-scoped objects, unique per release and namespace. */}}
{{- define "ticket-system.clusterName" -}}
{{- printf "%s.%s" (include "ticket-system.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "ticket-system.serviceAccount" -}}
{{- default (ternary (include "ticket-system.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "ticket-system.selector" -}}
app.kubernetes.io/name: ticket-system-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ticket-system.labels" -}}
{{ include "ticket-system.selector" . }}
{{ include "ticket-system.commonLabels" . }}
{{- end -}}

{{- define "ticket-system.commonLabels" -}}
app.kubernetes.io/part-of: ticket-system
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* An image's reference: include "ticket-system.image" (list . "operator") */}}
{{- define "ticket-system.image" -}}
{{- $root := index . 0 -}}
{{- $image := index $root.Values.images (index . 1) -}}
{{- $repository := $image.repository -}}
{{- with $root.Values.images.registry -}}{{- $repository = printf "%s/%s" (trimSuffix "/" .) $repository -}}{{- end -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default $root.Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "ticket-system.pullSecrets" -}}
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Security contexts that the restricted Pod Security Standard requires of a pod and of a container. */}}
{{- define "ticket-system.podSecurity" -}}
runAsNonRoot: true
{{- if not .Values.security.platformIds }}
runAsUser: 65532
runAsGroup: 65532
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}
{{- define "ticket-system.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The watched namespaces as sorted JSON; [] means all. */}}
{{- define "ticket-system.watched" -}}
{{- .Values.operator.watchNamespaces | uniq | sortAlpha | toJson -}}
{{- end -}}

{{- define "ticket-system.systemName" -}}
{{- default .Release.Name .Values.ticketSystem.name -}}
{{- end -}}

{{/* In-cluster URL of the service that sells. */}}
{{- define "ticket-system.systemUrl" -}}
{{- $name := include "ticket-system.systemName" . -}}
{{- if eq (dig "mode" "microservices" .Values.ticketSystem.spec) "monolith" -}}
{{- printf "http://%s:8000" $name -}}
{{- else -}}
{{- printf "http://%s-ticket:8002" $name -}}
{{- end -}}
{{- end -}}
