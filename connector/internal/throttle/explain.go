package throttle

// Explain says that a call was refused for the configuration, and what an
// operator is to look at. Its words are safe to show.
func Explain(err error) (says, remedy string, refused bool) {
	why, refused := refusalIn(err)
	return why.says, why.remedy, refused
}
