{{- define "cc-connector.name" -}}
{{- $long := printf "%s-%s" .Release.Name .Chart.Name }}
{{- ternary .Release.Name $long (contains .Chart.Name .Release.Name) | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "cc-connector.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Not those of the connector's pods, which would be selected with them. */}}
{{- define "cc-connector.testLabels" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end }}

{{- define "cc-connector.labels" -}}
{{ include "cc-connector.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "cc-connector.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "cc-connector.name" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "cc-connector.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* Whole seconds of a duration such as 1h2m3s. */}}
{{- define "cc-connector.seconds" -}}
{{- $seconds := 0 }}
{{- range $unit, $factor := dict "h" 3600 "m" 60 "s" 1 }}
{{- range regexFindAll (printf "[0-9]+%s" $unit) $.duration -1 }}
{{- $seconds = add $seconds (mul (trimSuffix $unit . | int64) $factor) }}
{{- end }}
{{- end }}
{{- $seconds }}
{{- end }}

{{- define "cc-connector.drainSeconds" -}}
{{- include "cc-connector.seconds" (dict "duration" (.Values.settings.drainTimeout | default "20s")) }}
{{- end }}

{{- define "cc-connector.graceSeconds" -}}
{{- .Values.terminationGracePeriodSeconds | default (add (include "cc-connector.drainSeconds" . | int64) 10) }}
{{- end }}

{{/* The ports of URLs that are joined by commas, one a line, by the scheme where none is given. */}}
{{- define "cc-connector.ports" -}}
{{- $ports := dict }}
{{- range splitList "," .urls }}
{{- $url := urlParse (trim .) }}
{{- $given := regexFind ":[0-9]+$" $url.host | trimPrefix ":" }}
{{- $usual := get (dict "http" "80" "https" "443" "ws" "80" "wss" "443") $url.scheme | default "4222" }}
{{- $_ := set $ports ($given | default $usual) true }}
{{- end }}
{{- keys $ports | sortAlpha | join "\n" }}
{{- end }}
