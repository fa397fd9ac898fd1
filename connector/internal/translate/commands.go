package translate

import (
	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// What a client sends into a chat, for the data of each command.

func SendMessage(d *schema.ChatSend, id brightpattern.MessageID) brightpattern.ClientEvent {
	return brightpattern.Message{ID: id, Text: d.Text, HTML: d.HTML, Channel: d.Channel}
}

func SendLocation(d *schema.ChatLocation, id brightpattern.MessageID) brightpattern.ClientEvent {
	l := brightpattern.Location{ID: id, URL: d.URL}
	if d.Latitude != nil && d.Longitude != nil {
		l.Place = &brightpattern.Place{Latitude: *d.Latitude, Longitude: *d.Longitude}
	}
	return l
}

func SendNavigation(d *schema.ChatNavigation, id brightpattern.MessageID) brightpattern.ClientEvent {
	return brightpattern.Navigation{ID: id, Title: d.Title, Page: d.Page}
}

func SendFile(d *schema.ChatFile, id brightpattern.MessageID, file brightpattern.FileID) brightpattern.ClientEvent {
	return brightpattern.SharedFile{ID: id, FileID: file, FileName: d.FileName, FileType: d.FileType}
}

func SendSignal(d *schema.ChatSignal, id brightpattern.MessageID) brightpattern.ClientEvent {
	return brightpattern.Signal{ID: id, Destination: brightpattern.PartyID(d.PartyID), Data: d.Signal}
}

func MessageDelivered(d *schema.ChatDelivered) brightpattern.ClientEvent {
	return brightpattern.Delivered{Ref: brightpattern.MessageID(d.MessageID)}
}

func MessageRead(d *schema.ChatRead) brightpattern.ClientEvent {
	return brightpattern.Read{Ref: brightpattern.MessageID(d.MessageID)}
}

func Typing(*schema.ChatTyping) brightpattern.ClientEvent { return brightpattern.Typing{} }

func NotTyping(*schema.ChatNotTyping) brightpattern.ClientEvent { return brightpattern.NotTyping{} }

func Disconnect(*schema.ChatDisconnect) brightpattern.ClientEvent { return brightpattern.Disconnect{} }

func FormData(d *schema.ChatForm) brightpattern.ClientEvent {
	return brightpattern.FormData{FormRequestID: brightpattern.FormRequestID(d.FormRequestID), FormName: d.FormName, Data: d.Data}
}

func SecureFormData(d *schema.ChatSecureForm) brightpattern.ClientEvent {
	return brightpattern.SecureFormData{FormRequestID: brightpattern.FormRequestID(d.FormRequestID), FormName: d.FormName, Data: d.Data}
}

func SecureFormCancel(d *schema.ChatSecureFormCancel) brightpattern.ClientEvent {
	return brightpattern.SecureFormCancel{FormRequestID: brightpattern.FormRequestID(d.FormRequestID)}
}

func Cobrowsing(d *schema.ChatCobrowsing) brightpattern.ClientEvent {
	switch d.Action {
	case "started":
		return brightpattern.CobrowsingStarted{ProviderType: d.ProviderType, URL: d.URL}
	case "rejected":
		return brightpattern.CobrowsingRejected{}
	}
	return brightpattern.CobrowsingEnded{}
}
