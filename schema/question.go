package schema

// AttrQuestion, true, makes a live command whose expirytime is over a question:
// it is answered with what is on record of the command with the same source, id
// and data, and never run. While that is being done, it is refused as timeout,
// at once. Of what is not on record it is refused as expired, as any command is
// whose time is over, but without an event.
const AttrQuestion = "question"
