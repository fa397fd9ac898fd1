package bpsim

import "time"

var (
	robot = &role{first: "Support", last: "", display: "Support", kind: "scenario"}
	alice = &role{first: "Alice", last: "Adams", display: "Alice", kind: "internal"}
)

var scripts = map[string]*script{
	"none":    nil,
	"echo":    echo,
	"support": support,
	"survey":  survey,
}

// echo: an agent who says back whatever the customer says.
var echo = &script{
	talk: []step{
		joins(alice),
		status("connected", ""),
	},
	again: []step{
		hear(kindMessage),
		receives(alice),
		reads(alice),
		echoes(alice),
	},
}

// survey: a word, then the status completed, and only after that the survey: see
// Options.Linger.
var survey = &script{
	talk: []step{
		joins(alice),
		status("connected", ""),
		says(alice, "Hello, this is Alice. How can I help you?"),
		hear(kindMessage),
		says(alice, "Done. Good bye!"),
		status("completed", ""),
		pause(time.Second),
		showsForm("survey", 1),
		hear(kindFormData),
		ends(),
	},
}

// support: a conversation with all that usually occurs, and a survey.
var support = &script{
	talk: []step{
		status("queued", "12"),
		pause(2 * time.Second),
		status("connecting", 0),
		pause(time.Second),
		joins(robot),
		joins(alice),
		status("connected", ""),
		pause(time.Second),
		types(alice, 2*time.Second),
		says(alice, "Hello, this is Alice. How can I help you?"),

		hear(kindMessage),
		receives(alice),
		pause(time.Second),
		reads(alice),
		types(alice, 3*time.Second),
		says(alice, "I see. Is your order number on the bill & the parcel the same?"),

		hear(kindMessage),
		receives(alice),
		pause(time.Second),
		reads(alice),
		setsCase(),
		says(alice, "Thank you. I have opened a case; where can we reach you?"),
		showsForm("contact", 1),

		hear(kindFormData),
		pause(2 * time.Second),
		sendsFile(alice, "return-label.txt", "text/plain; charset=utf-8", "Return label 0001\nSimulated Street 1\n"),
		types(alice, time.Second),
		says(alice, "Here is your return label. Have a nice day!"),
		pause(time.Second),
		ends(),
	},
	after: []step{
		pause(time.Second),
		showsForm("survey", 2),
		hear(kindFormData),
		ends(),
	},
}
