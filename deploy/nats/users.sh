#!/bin/sh
# Adds the users of cc-connector under the prefix cc, each with the least that it needs,
# to an account that nsc keeps: ACCOUNT=name sh users.sh; then push the account, and write
# each user's credentials by "nsc generate creds".
# Made by "cc-connector permissions --format nsc --prefix cc".
#
# Every user has an inbox prefix of its own, which its client must use: the connector by
# CC_NATS_INBOX_PREFIX, the nats CLI by --inbox-prefix, a program by its library's option.
set -eu
: "${ACCOUNT:?set it to the name of the account}"

# the connector itself; CC_NATS_INBOX_PREFIX must be its inbox prefix
# inbox prefix: _INBOX_cc-connector
nsc add user --account "$ACCOUNT" --name cc-connector \
  --allow-pub 'cc.chat.*.event.>' \
  --allow-pub 'cc.chat.*.result.>' \
  --allow-pub 'cc.chat.*.session.>' \
  --allow-pub 'cc.result.>' \
  --allow-pub 'cc.deadletter.>' \
  --allow-pub 'cc.internal.>' \
  --allow-pub '$KV.CC_JOURNAL.>' \
  --allow-pub '$KV.CC_CHATS.>' \
  --allow-pub '$KV.CC_STATE.>' \
  --allow-pub '$O.CC_FILES.>' \
  --allow-pub '$JS.API.STREAM.CREATE.CC_EVENTS' \
  --allow-pub '$JS.API.STREAM.UPDATE.CC_EVENTS' \
  --allow-pub '$JS.API.STREAM.INFO.CC_EVENTS' \
  --allow-pub '$JS.API.STREAM.MSG.GET.CC_EVENTS' \
  --allow-pub '$JS.API.STREAM.CREATE.CC_SESSIONS' \
  --allow-pub '$JS.API.STREAM.UPDATE.CC_SESSIONS' \
  --allow-pub '$JS.API.STREAM.INFO.CC_SESSIONS' \
  --allow-pub '$JS.API.STREAM.MSG.GET.CC_SESSIONS' \
  --allow-pub '$JS.API.STREAM.CREATE.CC_COMMANDS' \
  --allow-pub '$JS.API.STREAM.UPDATE.CC_COMMANDS' \
  --allow-pub '$JS.API.STREAM.INFO.CC_COMMANDS' \
  --allow-pub '$JS.API.STREAM.MSG.GET.CC_COMMANDS' \
  --allow-pub '$JS.API.STREAM.CREATE.CC_DEADLETTER' \
  --allow-pub '$JS.API.STREAM.UPDATE.CC_DEADLETTER' \
  --allow-pub '$JS.API.STREAM.INFO.CC_DEADLETTER' \
  --allow-pub '$JS.API.STREAM.MSG.GET.CC_DEADLETTER' \
  --allow-pub '$JS.API.STREAM.CREATE.KV_CC_JOURNAL' \
  --allow-pub '$JS.API.STREAM.UPDATE.KV_CC_JOURNAL' \
  --allow-pub '$JS.API.STREAM.INFO.KV_CC_JOURNAL' \
  --allow-pub '$JS.API.STREAM.MSG.GET.KV_CC_JOURNAL' \
  --allow-pub '$JS.API.STREAM.CREATE.KV_CC_CHATS' \
  --allow-pub '$JS.API.STREAM.UPDATE.KV_CC_CHATS' \
  --allow-pub '$JS.API.STREAM.INFO.KV_CC_CHATS' \
  --allow-pub '$JS.API.STREAM.MSG.GET.KV_CC_CHATS' \
  --allow-pub '$JS.API.STREAM.CREATE.KV_CC_STATE' \
  --allow-pub '$JS.API.STREAM.UPDATE.KV_CC_STATE' \
  --allow-pub '$JS.API.STREAM.INFO.KV_CC_STATE' \
  --allow-pub '$JS.API.STREAM.MSG.GET.KV_CC_STATE' \
  --allow-pub '$JS.API.STREAM.CREATE.OBJ_CC_FILES' \
  --allow-pub '$JS.API.STREAM.UPDATE.OBJ_CC_FILES' \
  --allow-pub '$JS.API.STREAM.INFO.OBJ_CC_FILES' \
  --allow-pub '$JS.API.STREAM.MSG.GET.OBJ_CC_FILES' \
  --allow-pub '$JS.API.DIRECT.GET.KV_CC_JOURNAL.>' \
  --allow-pub '$JS.API.DIRECT.GET.KV_CC_STATE.>' \
  --allow-pub '$JS.API.DIRECT.GET.OBJ_CC_FILES.>' \
  --allow-pub '$JS.API.STREAM.NAMES' \
  --allow-pub '$JS.API.STREAM.PURGE.OBJ_CC_FILES' \
  --allow-pub '$JS.API.CONSUMER.CREATE.CC_SESSIONS.holders' \
  --allow-pub '$JS.API.CONSUMER.INFO.CC_SESSIONS.holders' \
  --allow-pub '$JS.API.CONSUMER.MSG.NEXT.CC_SESSIONS.holders' \
  --allow-pub '$JS.ACK.CC_SESSIONS.holders.>' \
  --allow-pub '$JS.ACK.*.*.CC_SESSIONS.holders.>' \
  --allow-pub '$JS.API.CONSUMER.CREATE.CC_COMMANDS.runners' \
  --allow-pub '$JS.API.CONSUMER.INFO.CC_COMMANDS.runners' \
  --allow-pub '$JS.API.CONSUMER.MSG.NEXT.CC_COMMANDS.runners' \
  --allow-pub '$JS.ACK.CC_COMMANDS.runners.>' \
  --allow-pub '$JS.ACK.*.*.CC_COMMANDS.runners.>' \
  --allow-pub '$JS.API.CONSUMER.CREATE.KV_CC_JOURNAL.*.$KV.CC_JOURNAL.>' \
  --allow-pub '$JS.API.CONSUMER.DELETE.KV_CC_JOURNAL.*' \
  --allow-pub '$JS.FC.KV_CC_JOURNAL.>' \
  --allow-pub '$JS.FC.*.*.KV_CC_JOURNAL.>' \
  --allow-pub '$JS.API.CONSUMER.CREATE.CC_EVENTS.cc-consumer' \
  --allow-pub '$JS.API.CONSUMER.CREATE.CC_EVENTS.cc-auditor' \
  --allow-pub '$JS.API.INFO' \
  --allow-pub '$JS.API.CONSUMER.LIST.CC_EVENTS' \
  --allow-pub 'cc.durable.>' \
  --allow-pub 'cc.chat.detach' \
  --allow-pub '$JS.API.STREAM.MSG.DELETE.CC_EVENTS' \
  --allow-pub '$JS.API.STREAM.MSG.DELETE.CC_COMMANDS' \
  --allow-pub '$JS.API.STREAM.MSG.DELETE.CC_DEADLETTER' \
  --allow-pub '$JS.API.STREAM.MSG.DELETE.OBJ_CC_FILES' \
  --allow-pub '$JS.API.STREAM.PURGE.KV_CC_JOURNAL' \
  --allow-pub '$JS.API.STREAM.PURGE.KV_CC_CHATS' \
  --allow-pub '$JS.API.STREAM.PURGE.KV_CC_STATE' \
  --allow-pub '$JS.API.CONSUMER.CREATE.CC_EVENTS.*' \
  --allow-pub '$JS.API.CONSUMER.INFO.CC_EVENTS.*' \
  --allow-pub '$JS.API.CONSUMER.DELETE.CC_EVENTS.*' \
  --allow-pub '$JS.API.CONSUMER.MSG.NEXT.CC_EVENTS.*' \
  --allow-sub '_INBOX_cc-connector.>' \
  --allow-sub 'cc.service.* cc-connector' \
  --allow-sub 'cc.chat.* cc-connector' \
  --allow-sub 'cc.case.* cc-connector' \
  --allow-sub 'cc.push.* cc-connector' \
  --allow-sub 'cc.internal.>' \
  --allow-sub '$SRV.PING' \
  --allow-sub '$SRV.INFO' \
  --allow-sub '$SRV.STATS' \
  --allow-sub '$SRV.PING.cc-connector' \
  --allow-sub '$SRV.PING.cc-connector.*' \
  --allow-sub '$SRV.INFO.cc-connector' \
  --allow-sub '$SRV.INFO.cc-connector.*' \
  --allow-sub '$SRV.STATS.cc-connector' \
  --allow-sub '$SRV.STATS.cc-connector.*' \
  --allow-pub-response=1 --response-ttl 8m0s

# sends live commands and gets their replies
# inbox prefix: _INBOX_cc-commander-live
nsc add user --account "$ACCOUNT" --name cc-commander-live \
  --allow-pub 'cc.service.*' \
  --allow-pub 'cc.chat.*' \
  --allow-pub 'cc.case.*' \
  --allow-pub 'cc.push.*' \
  --allow-pub '$SRV.PING.cc-connector' \
  --allow-pub '$SRV.PING.cc-connector.*' \
  --allow-pub '$SRV.INFO.cc-connector' \
  --allow-pub '$SRV.INFO.cc-connector.*' \
  --allow-pub '$SRV.STATS.cc-connector' \
  --allow-pub '$SRV.STATS.cc-connector.*' \
  --allow-sub '_INBOX_cc-commander-live.>'

# sends durable commands and gets JetStream's acknowledgement; outcomes are another user's to read: a consumer's, or one's who may send live commands
# inbox prefix: _INBOX_cc-commander-durable
nsc add user --account "$ACCOUNT" --name cc-commander-durable \
  --allow-pub 'cc.durable.>' \
  --allow-sub '_INBOX_cc-commander-durable.>'

# sends durable commands on the chat example alone, and hears what happens in it
# inbox prefix: _INBOX_cc-commander-chat
nsc add user --account "$ACCOUNT" --name cc-commander-chat \
  --allow-pub 'cc.durable.*.*.example' \
  --allow-sub '_INBOX_cc-commander-chat.>' \
  --allow-sub 'cc.chat.example.event.>' \
  --allow-sub 'cc.chat.example.result.>' \
  --allow-sub 'cc.chat.example.session.>'

# reads events, results, CC_CHATS, CC_FILES and the schemas; the stream of events by the consumer cc-consumer, which is made for it
# inbox prefix: _INBOX_cc-consumer
nsc add user --account "$ACCOUNT" --name cc-consumer \
  --allow-pub '$JS.API.STREAM.INFO.CC_EVENTS' \
  --allow-pub '$JS.API.STREAM.INFO.KV_CC_CHATS' \
  --allow-pub '$JS.API.STREAM.INFO.OBJ_CC_FILES' \
  --allow-pub '$JS.API.CONSUMER.INFO.CC_EVENTS.cc-consumer' \
  --allow-pub '$JS.ACK.CC_EVENTS.cc-consumer.>' \
  --allow-pub '$JS.ACK.*.*.CC_EVENTS.cc-consumer.>' \
  --allow-pub '$JS.API.STREAM.MSG.GET.KV_CC_CHATS' \
  --allow-pub '$JS.API.STREAM.MSG.GET.OBJ_CC_FILES' \
  --allow-pub 'cc.service.schemas' \
  --allow-sub '_INBOX_cc-consumer.>' \
  --allow-sub 'cc.chat.*.>' \
  --allow-sub 'cc.result.>' \
  --allow-sub '_DELIVER_cc-consumer.>'

# reads what a consumer reads, dead letters, the state of streams and consumers, and JetStream's advisories; it changes nothing
# inbox prefix: _INBOX_cc-auditor
nsc add user --account "$ACCOUNT" --name cc-auditor \
  --allow-pub '$JS.API.STREAM.INFO.CC_EVENTS' \
  --allow-pub '$JS.API.STREAM.INFO.KV_CC_CHATS' \
  --allow-pub '$JS.API.STREAM.INFO.OBJ_CC_FILES' \
  --allow-pub '$JS.API.CONSUMER.INFO.CC_EVENTS.cc-auditor' \
  --allow-pub '$JS.ACK.CC_EVENTS.cc-auditor.>' \
  --allow-pub '$JS.ACK.*.*.CC_EVENTS.cc-auditor.>' \
  --allow-pub '$JS.API.STREAM.MSG.GET.KV_CC_CHATS' \
  --allow-pub '$JS.API.STREAM.MSG.GET.OBJ_CC_FILES' \
  --allow-pub 'cc.service.schemas' \
  --allow-pub '$JS.API.STREAM.MSG.GET.CC_DEADLETTER' \
  --allow-pub '$JS.API.INFO' \
  --allow-pub '$JS.API.STREAM.NAMES' \
  --allow-pub '$JS.API.STREAM.LIST' \
  --allow-pub '$JS.API.STREAM.INFO.CC_EVENTS' \
  --allow-pub '$JS.API.CONSUMER.NAMES.CC_EVENTS' \
  --allow-pub '$JS.API.CONSUMER.LIST.CC_EVENTS' \
  --allow-pub '$JS.API.CONSUMER.INFO.CC_EVENTS.*' \
  --allow-pub '$JS.API.STREAM.INFO.CC_SESSIONS' \
  --allow-pub '$JS.API.CONSUMER.NAMES.CC_SESSIONS' \
  --allow-pub '$JS.API.CONSUMER.LIST.CC_SESSIONS' \
  --allow-pub '$JS.API.CONSUMER.INFO.CC_SESSIONS.*' \
  --allow-pub '$JS.API.STREAM.INFO.CC_COMMANDS' \
  --allow-pub '$JS.API.CONSUMER.NAMES.CC_COMMANDS' \
  --allow-pub '$JS.API.CONSUMER.LIST.CC_COMMANDS' \
  --allow-pub '$JS.API.CONSUMER.INFO.CC_COMMANDS.*' \
  --allow-pub '$JS.API.STREAM.INFO.CC_DEADLETTER' \
  --allow-pub '$JS.API.CONSUMER.NAMES.CC_DEADLETTER' \
  --allow-pub '$JS.API.CONSUMER.LIST.CC_DEADLETTER' \
  --allow-pub '$JS.API.CONSUMER.INFO.CC_DEADLETTER.*' \
  --allow-pub '$JS.API.STREAM.INFO.KV_CC_JOURNAL' \
  --allow-pub '$JS.API.CONSUMER.NAMES.KV_CC_JOURNAL' \
  --allow-pub '$JS.API.CONSUMER.LIST.KV_CC_JOURNAL' \
  --allow-pub '$JS.API.CONSUMER.INFO.KV_CC_JOURNAL.*' \
  --allow-pub '$JS.API.STREAM.INFO.KV_CC_CHATS' \
  --allow-pub '$JS.API.CONSUMER.NAMES.KV_CC_CHATS' \
  --allow-pub '$JS.API.CONSUMER.LIST.KV_CC_CHATS' \
  --allow-pub '$JS.API.CONSUMER.INFO.KV_CC_CHATS.*' \
  --allow-pub '$JS.API.STREAM.INFO.KV_CC_STATE' \
  --allow-pub '$JS.API.CONSUMER.NAMES.KV_CC_STATE' \
  --allow-pub '$JS.API.CONSUMER.LIST.KV_CC_STATE' \
  --allow-pub '$JS.API.CONSUMER.INFO.KV_CC_STATE.*' \
  --allow-pub '$JS.API.STREAM.INFO.OBJ_CC_FILES' \
  --allow-pub '$JS.API.CONSUMER.NAMES.OBJ_CC_FILES' \
  --allow-pub '$JS.API.CONSUMER.LIST.OBJ_CC_FILES' \
  --allow-pub '$JS.API.CONSUMER.INFO.OBJ_CC_FILES.*' \
  --allow-pub '$SRV.PING' \
  --allow-pub '$SRV.INFO' \
  --allow-pub '$SRV.STATS' \
  --allow-pub '$SRV.PING.cc-connector' \
  --allow-pub '$SRV.PING.cc-connector.*' \
  --allow-pub '$SRV.INFO.cc-connector' \
  --allow-pub '$SRV.INFO.cc-connector.*' \
  --allow-pub '$SRV.STATS.cc-connector' \
  --allow-pub '$SRV.STATS.cc-connector.*' \
  --allow-sub '_INBOX_cc-auditor.>' \
  --allow-sub 'cc.chat.*.>' \
  --allow-sub 'cc.result.>' \
  --allow-sub '_DELIVER_cc-auditor.>' \
  --allow-sub 'cc.deadletter.>' \
  --allow-sub '$JS.EVENT.ADVISORY.>' \
  --deny-sub '$JS.EVENT.ADVISORY.API'
