// Command mesh is etcd, kube-apiserver and pilot-discovery in one program: it runs the one it is called as.
//
// Most of what they are made of is the same, and in one program it is compiled only once.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/etcdmain"
	pilot "istio.io/istio/pilot/cmd/pilot-discovery/app"
	"istio.io/istio/pkg/log"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kube "k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	switch name := filepath.Base(os.Args[0]); name {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(kube.NewAPIServerCommand()))
	case "pilot-discovery":
		log.EnableKlogWithCobra()
		if err := pilot.NewRootCommand().Execute(); err != nil {
			log.Error(err)
			os.Exit(1)
		}
	default:
		fmt.Fprintf(os.Stderr, "call this as etcd, kube-apiserver or pilot-discovery, not as %s\n", name)
		os.Exit(2)
	}
}
