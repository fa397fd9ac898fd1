{{/* What is wrong with nack.resources, as a JSON list. */}}
{{- define "cc-connector.nackWrong" -}}
{{- $wrong := list }}
{{- if eq (toString .Values.settings.provision) "true" }}
{{- $wrong = append $wrong "settings.provision must not be true with nack.enabled: NACK makes the streams" }}
{{- end }}
{{- $stream := printf "%s_EVENTS" (.Values.settings.subjectPrefix | default "cc" | upper | replace "." "_") }}
{{- $names := list }}
{{- range (include "cc-connector.nackResources" . | fromYaml).resources }}
{{- if not (hasPrefix "jetstream.nats.io/" (toString .apiVersion)) }}
{{- $wrong = append $wrong (printf "nack.resources holds a %v %v, which is no resource of NACK: give the output of cc-connector streams --nack" .apiVersion .kind) }}
{{- else if .spec.name }}
{{- $names = append $names .spec.name }}
{{- $base := get (.spec.metadata | default dict) "cc-connector.base-url" }}
{{- if and $base (ne (include "cc-connector.plainAddress" $base) (include "cc-connector.plainAddress" $.Values.contactCenter.baseUrl)) }}
{{- $wrong = append $wrong (printf "nack.resources: %s is made for %s, not for contactCenter.baseUrl: run cc-connector streams --nack with the settings of this release" .spec.name $base) }}
{{- end }}
{{- end }}
{{- end }}
{{- if not .Values.nack.resources }}
{{- $wrong = append $wrong "nack.resources is missing: cc-connector streams --nack >streams.yaml, then --set-file nack.resources=streams.yaml" }}
{{- else if not (has $stream $names) }}
{{- $wrong = append $wrong (printf "nack.resources has no stream %s: run cc-connector streams --nack with settings.subjectPrefix of this release" $stream) }}
{{- end }}
{{- toJson $wrong }}
{{- end }}

{{/* An address as the connector keeps it: without the API's path and a default port. */}}
{{- define "cc-connector.plainAddress" -}}
{{- $address := regexReplaceAll "(/+clientweb(/+api(/+v2(/.*)?)?)?)?/*$" (. | trim | lower) "" }}
{{- $address = regexReplaceAll "^(https://[^/]*):443(/|$)" $address "${1}${2}" }}
{{- regexReplaceAll "^(http://[^/]*):80(/|$)" $address "${1}${2}" }}
{{- end }}

{{/* The documents of nack.resources as one list. */}}
{{- define "cc-connector.nackResources" -}}
{{- $all := list }}
{{- range regexSplit "(?m)^---.*$" .Values.nack.resources -1 }}
{{- $one := fromYaml . }}
{{- if $one.Error }}{{ fail (printf "nack.resources is not YAML: %s" $one.Error) }}{{ end }}
{{- if $one }}{{ $all = append $all $one }}{{ end }}
{{- end }}
{{- dict "resources" $all | toYaml }}
{{- end }}
