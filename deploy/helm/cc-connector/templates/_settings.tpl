{{/* A value as text: numbers come from YAML as floats. */}}
{{- define "cc-connector.text" -}}
{{- if kindIs "float64" . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* Every setting of the connector: its variable, and what the values say of it. */}}
{{- define "cc-connector.settings" -}}
{{- $c := .Values.contactCenter }}
{{- $s := .Values.settings }}
{{- $auth := .Values.nats.auth }}
{{- $tls := .Values.nats.tls }}
{{- $apps := list }}
{{- range $c.apps }}{{ $apps = append $apps (printf "%s:%s" .name .id) }}{{ end }}
CC_NATS_URL: {{ ternary "" .Values.nats.url (ne $auth.context.secret "") | quote }}
CC_NATS_CREDS: {{ if $auth.creds.secret }}/etc/cc-connector/nats-creds/nats.creds{{ end }}
CC_NATS_NKEY_SEED_FILE: {{ if $auth.nkey.secret }}/etc/cc-connector/nats-nkey/seed{{ end }}
CC_NATS_USER: {{ $auth.user.name | quote }}
CC_NATS_PASSWORD_FILE: {{ if $auth.user.secret }}/etc/cc-connector/nats-user/password{{ end }}
CC_NATS_TOKEN_FILE: {{ if $auth.token.secret }}/etc/cc-connector/nats-token/token{{ end }}
CC_NATS_TLS_CA: {{ if or $tls.ca.secret $tls.ca.configMap }}/etc/cc-connector/nats-ca/ca.crt{{ end }}
CC_NATS_TLS_CERT: {{ if $tls.client.secret }}/etc/cc-connector/nats-tls/tls.crt{{ end }}
CC_NATS_TLS_KEY: {{ if $tls.client.secret }}/etc/cc-connector/nats-tls/tls.key{{ end }}
CC_NATS_TLS_FIRST: {{ include "cc-connector.text" .Values.nats.tlsFirst | quote }}
CC_NATS_INBOX_PREFIX: {{ .Values.nats.inboxPrefix | quote }}
CC_NATS_JS_DOMAIN: {{ .Values.nats.jsDomain | quote }}
CC_NATS_CONTEXT: {{ if $auth.context.secret }}cc-connector{{ end }}
CC_SUBJECT_PREFIX: {{ $s.subjectPrefix | quote }}
CC_BASE_URL: {{ $c.baseUrl | quote }}
CC_ALLOW_HTTP: {{ include "cc-connector.text" $c.allowHttp | quote }}
CC_TENANT_URL: {{ $c.tenantUrl | quote }}
CC_APP_ID: {{ $c.appId | quote }}
CC_APPS: {{ join "," $apps | quote }}
CC_APNS_BUNDLE_ID: {{ $c.apnsBundleId | quote }}
CC_TLS_CA: {{ if or $c.ca.secret $c.ca.configMap }}/etc/cc-connector/contact-center-ca/ca.crt{{ end }}
CC_CASE_PATHS: {{ $c.casePaths | quote }}
CC_CLOUDEVENTS_MODE: {{ $s.cloudeventsMode | quote }}
CC_RESULTS_REQUEST: {{ include "cc-connector.text" $s.resultsRequest | quote }}
CC_SCHEMA_BASE_URL: {{ $s.schemaBaseUrl | quote }}
CC_HTTP_ADDR: ":{{ int .Values.httpPort }}"
CC_PPROF: {{ include "cc-connector.text" $s.pprof | quote }}
CC_CONSOLE: {{ include "cc-connector.text" .Values.console.enabled | quote }}
CC_CONSOLE_TOKEN_FILE: {{ if .Values.console.token.secret }}/etc/cc-connector/console/token{{ end }}
CC_HTTP_TIMEOUT: {{ $c.httpTimeout | quote }}
CC_POLL_TIMEOUT: {{ $c.pollTimeout | quote }}
CC_MAX_CHATS: {{ include "cc-connector.text" $s.maxChats | quote }}
CC_MAX_CALLS: {{ include "cc-connector.text" $s.maxCalls | quote }}
CC_IDEMPOTENCY_WINDOW: {{ $s.idempotencyWindow | quote }}
CC_COMMAND_MAX_AGE: {{ $s.commandMaxAge | quote }}
CC_EVENTS_MAX_AGE: {{ $s.eventsMaxAge | quote }}
CC_EVENTS_MAX_BYTES: {{ include "cc-connector.text" $s.eventsMaxBytes | quote }}
CC_FILES_MAX_AGE: {{ $s.filesMaxAge | quote }}
CC_FILES_MAX_BYTES: {{ include "cc-connector.text" $s.filesMaxBytes | quote }}
CC_FILE_MAX_BYTES: {{ include "cc-connector.text" $s.fileMaxBytes | quote }}
CC_FILE_TIMEOUT: {{ $s.fileTimeout | quote }}
CC_STREAM_REPLICAS: {{ include "cc-connector.text" $s.streamReplicas | quote }}
CC_STREAM_MAX_BYTES: {{ include "cc-connector.text" $s.streamMaxBytes | quote }}
CC_DEADLETTER_MAX_AGE: {{ $s.deadLetterMaxAge | quote }}
CC_PROVISION: {{ ternary "false" ($s.provision | toString) .Values.nack.enabled | quote }}
CC_FAILOVER_AFTER: {{ $s.failoverAfter | quote }}
CC_DRAIN_TIMEOUT: {{ $s.drainTimeout | quote }}
CC_CANARY_INTERVAL: {{ $s.canaryInterval | quote }}
CC_LOG_LEVEL: {{ $s.logLevel | quote }}
CC_LOG_FORMAT: {{ $s.logFormat | quote }}
{{- with .Values.tracing }}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ .endpoint | quote }}
OTEL_EXPORTER_OTLP_PROTOCOL: {{ .protocol | quote }}
OTEL_SERVICE_NAME: {{ .serviceName | quote }}
OTEL_RESOURCE_ATTRIBUTES: {{ .resourceAttributes | quote }}
OTEL_TRACES_SAMPLER: {{ .sampler | quote }}
OTEL_TRACES_SAMPLER_ARG: {{ .samplerArg | toString | quote }}
{{- end }}
{{- end }}

{{/* The files that the settings name: a folder below /etc/cc-connector, and what is mounted there. */}}
{{- define "cc-connector.files" -}}
{{- $auth := .Values.nats.auth }}
{{- $tls := .Values.nats.tls }}
nats-creds: {{ dict "secret" $auth.creds.secret "items" (dict $auth.creds.key "nats.creds") | toJson }}
nats-nkey: {{ dict "secret" $auth.nkey.secret "items" (dict $auth.nkey.key "seed") | toJson }}
nats-user: {{ dict "secret" $auth.user.secret "items" (dict $auth.user.key "password") | toJson }}
nats-token: {{ dict "secret" $auth.token.secret "items" (dict $auth.token.key "token") | toJson }}
nats-context: {{ dict "secret" $auth.context.secret "items" (dict $auth.context.key "nats/context/cc-connector.json") | toJson }}
nats-ca: {{ dict "secret" $tls.ca.secret "configMap" $tls.ca.configMap "items" (dict $tls.ca.key "ca.crt") | toJson }}
nats-tls: {{ dict "secret" $tls.client.secret "items" (dict $tls.client.certKey "tls.crt" $tls.client.keyKey "tls.key") | toJson }}
console: {{ dict "secret" .Values.console.token.secret "items" (dict .Values.console.token.key "token") | toJson }}
{{- with .Values.contactCenter.ca }}
contact-center-ca: {{ dict "secret" .secret "configMap" .configMap "items" (dict .key "ca.crt") | toJson }}
{{- end }}
{{- end }}
