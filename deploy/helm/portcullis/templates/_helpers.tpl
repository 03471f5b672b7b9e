{{/* Names, labels, and the parts that sidecars and control planes share. */}}

{{- define "portcullis.fullname" -}}
{{- if contains "portcullis" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-portcullis" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* (dict "root" . "component" "service") */}}
{{- define "portcullis.selector" -}}
app.kubernetes.io/name: portcullis
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "portcullis.labels" -}}
{{ include "portcullis.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "portcullis.image" -}}
{{- $repository := required "image.repository: build the Dockerfile, push it, and name it here" .Values.image.repository -}}
{{- if .Values.image.digest }}{{ $repository }}@{{ .Values.image.digest }}{{ else }}{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "portcullis.controlUrl" -}}
{{ if .Values.control.tls.existingSecret }}https{{ else }}http{{ end }}://{{ include "portcullis.fullname" . }}-control.{{ .Release.Namespace }}.svc:9003
{{- end }}

{{/* A port for each worker, as YAML: a list of { name, port }. */}}
{{- define "portcullis.grpcPorts" -}}
{{- range $index := until (int .Values.workers) }}
- { name: grpc{{ if $index }}-{{ add1 $index }}{{ end }}, port: {{ add 9001 (mul 10 $index) }} }
{{- end }}
{{- end }}

{{/* Where each worker listens, as YAML: a list. */}}
{{- define "portcullis.grpcAddresses" -}}
{{- if and (eq .Values.mode "sidecar") (eq (int .Values.workers) 1) }}
- 127.0.0.1:9001
- unix:/run/portcullis/authz.sock
{{- else if and (eq .Values.mode "sidecar") (eq .Values.sidecar.listen "unix") }}
{{- range $index := until (int .Values.workers) }}
- unix:/run/portcullis/authz{{ if $index }}-{{ add1 $index }}{{ end }}.sock
{{- end }}
{{- else }}
{{- range include "portcullis.grpcPorts" . | fromYamlArray }}
- {{ ternary "127.0.0.1" "0.0.0.0" (eq $.Values.mode "sidecar") }}:{{ .port }}
{{- end }}
{{- end }}
{{- end }}

{{/* What both kinds of process read: the values' config, with what the chart knows better. */}}
{{- define "portcullis.config" -}}
{{- if not .Values.config.issuers }}{{ fail "config.issuers: whose tokens are trusted? docs/configuration.md has an example" }}{{ end -}}
{{- $listen := dict "grpc" (include "portcullis.grpcAddresses" . | fromYamlArray) "ops" "0.0.0.0:9002" "control" "0.0.0.0:9003" -}}
{{- if .Values.tls.existingSecret }}{{ $_ := set $listen "tls" (dict "certificateFile" "/etc/portcullis/tls/tls.crt" "keyFile" "/etc/portcullis/tls/tls.key") }}{{ end -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.config) (dict "listen" $listen "workers" (int .Values.workers) "store" (dict "urlFile" (printf "/etc/portcullis/redis/%s" .Values.redis.key)))) -}}
{{- end }}

{{- define "portcullis.sidecarConfig" -}}
{{- if eq .Values.mode "sidecar" -}}
{{- if .Values.tls.existingSecret }}{{ fail "tls.existingSecret: an injected container speaks to the Envoy of its own pod only, and has no certificate" }}{{ end -}}
{{- if .Values.control.reportToken.existingSecret }}{{ fail "control.reportToken: injected containers do not report" }}{{ end -}}
{{- end -}}
{{- $config := include "portcullis.config" . | fromYaml -}}
{{- if and .Values.control.enabled .Values.control.reportToken.existingSecret -}}
{{- $control := dict "url" (include "portcullis.controlUrl" .) "reportTokenFile" (printf "/etc/portcullis/report/%s" .Values.control.reportToken.key) -}}
{{- $_ := set $config "control" $control -}}
{{- end -}}
{{- toYaml $config -}}
{{- end }}

{{- define "portcullis.controlConfig" -}}
{{- $config := include "portcullis.config" . | fromYaml -}}
{{- $_ := unset $config.listen "tls" -}}
{{- $_ := set $config.listen "grpc" "127.0.0.1:9001" -}}
{{- $_ := unset $config "workers" -}}
{{- $_ := set $config.store "urlFile" (printf "/etc/portcullis/redis/%s" .Values.control.redis.key) -}}
{{- $tokens := list -}}
{{- range $index, $token := .Values.control.tokens -}}
{{- $tokens = append $tokens (dict "name" $token.name "scopes" $token.scopes "sha256" (printf "${CONTROL_TOKEN_%d_SHA256}" $index)) -}}
{{- end -}}
{{- $control := dict "tokens" $tokens -}}
{{- if .Values.control.tls.existingSecret }}{{ $_ := set $control "tls" (dict "certificateFile" "/etc/portcullis/control-tls/tls.crt" "keyFile" "/etc/portcullis/control-tls/tls.key") }}{{ end -}}
{{- $config = mergeOverwrite $config (deepCopy .Values.control.config) (dict "control" $control) -}}
{{- if .Values.control.record.existingSecret }}{{ $_ := set $config "recordFile" (printf "/etc/portcullis/record/%s" .Values.control.record.key) }}{{ end -}}
{{- toYaml $config -}}
{{- end }}

{{- define "portcullis.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "portcullis.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* (dict "root" . "component" "service"): where its pods go. */}}
{{- define "portcullis.placement" -}}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: {{ $.root.Values.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "portcullis.selector" $ | nindent 8 }}
  {{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where both kinds of process may call. */}}
{{- define "portcullis.egress" }}
- ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
- ports: [{ port: {{ .Values.redis.port }}, protocol: TCP }]
{{- range .Values.networkPolicy.egressPorts }}
- ports: [{ port: {{ . }}, protocol: TCP }]
{{- end }}
{{- end }}
