package admin

import "cc-connector/schema"

// notes say what a purge cannot reach. They are the same after each, so that nobody
// takes their absence for a proof.
func (p *purge) notes() schema.List[string] {
	events, files := p.cfg.Prefix.StreamName("EVENTS"), p.streams.FilesName()
	dead, commands := p.deadName(), p.cfg.Prefix.StreamName("COMMANDS")
	notes := schema.List[string]{
		"The contact center keeps its own copy of the chat; it is not the connector's to remove.",
		"What stood in " + events + ", " + commands + ", " + dead + " and " + files + " is overwritten on the disk, unless nats-server encrypts what it stores: then it goes with its block.",
		"What stood in buckets, and earlier values there, is deleted, but stays in nats-server's files until it writes the block anew: it looks every sync_interval (2m), " +
			"and does so when another block has begun, as the purge has had it do, and more than half of the block is deleted, or all of it; in " + p.streams.Journal.Name() + " at the latest when its max_age is over.",
		"The same is true of what was removed before from " + commands + " (durable commands that were done) and " + p.cfg.Prefix.StreamName("SESSIONS") + " (session tokens), but that another block begins there with new messages only, or when all messages of the stream are gone for a moment.",
		"Subjects with the chat's id stay in a stream's index.db until nats-server writes that anew: within some minutes, and when it ends. In a cluster the servers' own logs have what was written until their next snapshot.",
		"For some minutes the chat cannot be attached again: the stream of events still knows the ids of its messages.",
		"Mirrors, backups and what readers have stored are not the connector's.",
	}
	for _, bucket := range p.unturned {
		notes = append(notes, "In "+bucket+" no other block could be begun, for want of room: it begins with new values.")
	}
	if p.earlier {
		notes = append(notes, "A replica of an earlier version runs, which is not told to forget the chat: it goes by what it remembers for 10s at most. Purge once more after that, to be sure.")
	}
	return notes
}
