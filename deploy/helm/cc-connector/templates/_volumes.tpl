{{/* Each folder of files that is in use, mounted whole: a file mounted by itself would not follow a rotation. */}}
{{- define "cc-connector.mounts" -}}
{{- $mounts := list }}
{{- range $folder, $from := include "cc-connector.files" . | fromYaml }}
{{- if or $from.secret $from.configMap }}
{{- $mounts = append $mounts (dict "name" $folder "mountPath" (printf "/etc/cc-connector/%s" $folder) "readOnly" true) }}
{{- end }}
{{- end }}
{{- with $mounts }}{{ dict "volumeMounts" . | toYaml }}{{ end }}
{{- end }}

{{- define "cc-connector.volumes" -}}
{{- $volumes := list }}
{{- range $folder, $from := include "cc-connector.files" . | fromYaml }}
{{- $items := list }}
{{- range $key, $path := $from.items }}{{ $items = append $items (dict "key" $key "path" $path) }}{{ end }}
{{- if $from.secret }}
{{- $source := dict "secretName" $from.secret "items" $items "defaultMode" 0440 }}
{{- $volumes = append $volumes (dict "name" $folder "secret" $source) }}
{{- else if $from.configMap }}
{{- $volumes = append $volumes (dict "name" $folder "configMap" (dict "name" $from.configMap "items" $items)) }}
{{- end }}
{{- end }}
{{- with $volumes }}{{ dict "volumes" . | toYaml }}{{ end }}
{{- end }}
