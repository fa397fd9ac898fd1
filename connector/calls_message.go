package connector

import (
	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// What a client sends into a chat: pure translation of commands into client events.

func sendMessage(d *schema.ChatSend, id brightpattern.MessageID) brightpattern.ClientEvent {
	return brightpattern.Message{ID: id, Text: d.Text, HTML: d.HTML, Channel: d.Channel}
}

func sendLocation(d *schema.ChatLocation, id brightpattern.MessageID) brightpattern.ClientEvent {
	return brightpattern.Location{ID: id, Latitude: d.Latitude, Longitude: d.Longitude, URL: d.URL}
}

func sendNavigation(d *schema.ChatNavigation, id brightpattern.MessageID) brightpattern.ClientEvent {
	return brightpattern.Navigation{ID: id, Title: d.Title, Page: d.Page}
}

func sendSignal(d *schema.ChatSignal, id brightpattern.MessageID) brightpattern.ClientEvent {
	return brightpattern.Signal{ID: id, Destination: brightpattern.PartyID(d.PartyID), Data: d.Signal}
}

func messageDelivered(d *schema.ChatDelivered) brightpattern.ClientEvent {
	return brightpattern.Delivered{Ref: brightpattern.MessageID(d.MessageID)}
}

func messageRead(d *schema.ChatRead) brightpattern.ClientEvent {
	return brightpattern.Read{Ref: brightpattern.MessageID(d.MessageID)}
}

func typing(*schema.ChatTyping) brightpattern.ClientEvent { return brightpattern.Typing{} }

func notTyping(*schema.ChatNotTyping) brightpattern.ClientEvent { return brightpattern.NotTyping{} }

func disconnect(*schema.ChatDisconnect) brightpattern.ClientEvent { return brightpattern.Disconnect{} }

func formData(d *schema.ChatForm) brightpattern.ClientEvent {
	return brightpattern.FormData{FormRequestID: brightpattern.FormRequestID(d.FormRequestID), FormName: d.FormName, Data: d.Data}
}

func secureFormData(d *schema.ChatSecureForm) brightpattern.ClientEvent {
	return brightpattern.SecureFormData{FormRequestID: brightpattern.FormRequestID(d.FormRequestID), FormName: d.FormName, Data: d.Data}
}

func secureFormCancel(d *schema.ChatSecureFormCancel) brightpattern.ClientEvent {
	return brightpattern.SecureFormCancel{FormRequestID: brightpattern.FormRequestID(d.FormRequestID)}
}

func cobrowsing(d *schema.ChatCobrowsing) brightpattern.ClientEvent {
	switch d.Action {
	case "started":
		return brightpattern.CobrowsingStarted{ProviderType: d.ProviderType, URL: d.URL}
	case "rejected":
		return brightpattern.CobrowsingRejected{}
	}
	return brightpattern.CobrowsingEnded{}
}
