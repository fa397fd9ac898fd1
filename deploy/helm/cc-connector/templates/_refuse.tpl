{{/* What the schema cannot say. All mistakes are told at once; each names its value. */}}
{{- define "cc-connector.refuse" -}}
{{- $v := .Values }}
{{- $wrong := list }}
{{- $c := $v.contactCenter }}
{{- if not $c.baseUrl }}
{{- $wrong = append $wrong "contactCenter.baseUrl is missing: the contact center's address, like https://acme.brightpattern.com" }}
{{- else if and (hasPrefix "http:" $c.baseUrl) (ne (toString $c.allowHttp) "true") }}
{{- $wrong = append $wrong "contactCenter.baseUrl must begin with https, or set contactCenter.allowHttp to true" }}
{{- end }}
{{- if and (not $c.appId) (not $c.apps) }}
{{- $wrong = append $wrong "contactCenter.appId and contactCenter.apps are both missing: give the launch point, or a list of them" }}
{{- else if and $c.appId $c.apps }}
{{- $wrong = append $wrong "contactCenter.appId and contactCenter.apps are both given: keep one of them" }}
{{- end }}
{{- range $name, $ca := dict "contactCenter.ca" $c.ca "nats.tls.ca" $v.nats.tls.ca }}
{{- if and $ca.secret $ca.configMap }}
{{- $wrong = append $wrong (printf "%s.secret and %s.configMap are both given: keep one of them" $name $name) }}
{{- end }}
{{- end }}
{{- $ways := list }}
{{- range $way, $given := $v.nats.auth }}
{{- if or $given.secret $given.name }}{{ $ways = append $ways (printf "nats.auth.%s" $way) }}{{ end }}
{{- end }}
{{- if gt (len $ways) 1 }}
{{- $wrong = append $wrong (printf "%s are given: keep one way to sign in" (join " and " $ways)) }}
{{- end }}
{{- with $v.nats.auth.user }}
{{- if and .name (not .secret) }}
{{- $wrong = append $wrong "nats.auth.user.secret is missing: the Secret that holds the password of nats.auth.user.name" }}
{{- else if and .secret (not .name) }}
{{- $wrong = append $wrong "nats.auth.user.name is missing: the user whose password is in nats.auth.user.secret" }}
{{- end }}
{{- end }}
{{- if and (eq (toString $v.console.enabled) "true") (not $v.console.token.secret) }}
{{- $wrong = append $wrong "console.token.secret is missing: the page shows what customers write; name the Secret that holds its token" }}
{{- end }}
{{- if contains "@" $v.nats.url }}
{{- $wrong = append $wrong "nats.url must not hold a user or password: name a Secret in nats.auth" }}
{{- end }}
{{- if eq $v.image.tag "latest" }}
{{- $wrong = append $wrong "image.tag must name a version, not latest: or replicas differ after a restart" }}
{{- end }}
{{- if eq (toString $v.podSecurityContext.runAsUser) "0" }}
{{- $wrong = append $wrong "podSecurityContext.runAsUser must not be 0: the connector needs no root" }}
{{- end }}
{{- $drain := include "cc-connector.drainSeconds" . | int64 }}
{{- with $v.terminationGracePeriodSeconds }}
{{- if le (int64 .) $drain }}
{{- $wrong = append $wrong (printf "terminationGracePeriodSeconds (%d) must be above settings.drainTimeout (%d s), or the kubelet kills what is still handing over" (int64 .) $drain) }}
{{- end }}
{{- end }}
{{- with $v.autoscaling }}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) }}
{{- $wrong = append $wrong "autoscaling.minReplicas must not be above autoscaling.maxReplicas" }}
{{- end }}
{{- if and .enabled (ge (int .chatsPerReplica) (int ($v.settings.maxChats | default 20000))) }}
{{- $wrong = append $wrong "autoscaling.chatsPerReplica must be below settings.maxChats, or replicas are full before there are more" }}
{{- end }}
{{- end }}
{{- $set := include "cc-connector.settings" . | fromYaml }}
{{- range $v.extraEnv }}
{{- if hasKey $set .name }}
{{- $wrong = append $wrong (printf "extraEnv must not give %s: there is a value for it, see values.yaml" .name) }}
{{- end }}
{{- end }}
{{- if $v.nack.enabled }}
{{- $wrong = concat $wrong (include "cc-connector.nackWrong" . | fromJsonArray) }}
{{- end }}
{{- if $wrong }}
{{- fail (printf "\n\ncc-connector: these values must be mended:\n  - %s\n" (join "\n  - " $wrong)) }}
{{- end }}
{{- end }}
