package permissions

import "cc-connector/subjects"

// FileSender is a user that sends commands on both lanes, and puts the files that
// chat.file sends into the store, under a name of its own. It is printed on
// demand alone: whoever may name an object there may also put another in its
// place, or remove all, by a header of which nats-server does not ask.
func FileSender(prefix subjects.Prefix, name string) User {
	b := bus{prefix}
	u := newUser(name, "sends commands on both lanes, and puts files into "+b.stream("FILES")+" and reads there"+
		"; it can replace or remove any object of it, so it must be trusted with all files")
	b.maySendLive(&u)
	b.maySendDurable(&u)
	b.mayPutFiles(&u)
	return u
}

// mayPutFiles lets a user write an object, ask how the store is, and ask for one
// message of it after the other.
func (b bus) mayPutFiles(u *User) {
	u.mayPublish("$O."+b.stream("FILES")+".C.*", "$O."+b.stream("FILES")+".M.*")
	u.mayPublish(api("STREAM.INFO", b.files()), api("STREAM.MSG.GET", b.files()))
}
